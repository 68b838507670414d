import { type SubmitEvent, useState } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import { errorKey } from "../../sync/error-text.ts";
import { useChangePassword } from "../../sync/mutations.ts";
import { Field } from "../../ui/field.tsx";
import { toast } from "../../ui/toasts.tsx";
import { asApiError } from "../../wire/errors.ts";

const minLength = 8;

/** Changes the password. */
export function PasswordForm() {
  const t = useT();
  const change = useChangePassword();
  const [current, setCurrent] = useState("");
  const [fresh, setFresh] = useState("");
  const error = change.error ? asApiError(change.error) : undefined;
  const wrong = error && (error.code === "unauthenticated" || error.code === "forbidden");
  const told = error && Object.keys(error.fields).length > 0;
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    change.mutate(
      { current_password: current, password: fresh },
      {
        onSuccess: () => {
          setCurrent("");
          setFresh("");
          toast(t("settings.password.changed"));
        },
      },
    );
  };
  return (
    <form onSubmit={submit} className="space-y-4">
      <h2 className="text-lg font-semibold">{t("settings.password")}</h2>
      <Field
        label={t("settings.password.current")}
        type="password"
        autoComplete="current-password"
        required
        error={wrong ? t("settings.password.wrong") : error?.fields["current_password"]}
        value={current}
        onChange={(event) => {
          setCurrent(event.target.value);
        }}
      />
      <Field
        label={t("settings.password.new")}
        type="password"
        autoComplete="new-password"
        required
        minLength={minLength}
        hint={t("auth.password.hint")}
        error={error?.fields["password"]}
        value={fresh}
        onChange={(event) => {
          setFresh(event.target.value);
        }}
      />
      {error && !wrong && !told && (
        <p role="alert" className="text-sm text-danger">
          {t(errorKey(error))}
        </p>
      )}
      <button type="submit" className="btn btn-primary" disabled={change.isPending}>
        {t("settings.password.change")}
      </button>
    </form>
  );
}
