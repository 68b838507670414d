import { Eye, EyeOff } from "lucide-react";
import { type ComponentProps, useState } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import { Field } from "../../ui/field.tsx";

/** A password, with a look at what was typed. */
export function PasswordField(props: Omit<ComponentProps<typeof Field>, "type" | "end">) {
  const t = useT();
  const [shown, setShown] = useState(false);
  const label = shown ? t("auth.password.hide") : t("auth.password.show");
  return (
    <Field
      {...props}
      type={shown ? "text" : "password"}
      required
      end={
        <button
          type="button"
          aria-label={label}
          title={label}
          aria-pressed={shown}
          className="cursor-pointer p-1"
          onClick={() => {
            setShown(!shown);
          }}
        >
          {shown ? <EyeOff size={18} /> : <Eye size={18} />}
        </button>
      }
    />
  );
}
