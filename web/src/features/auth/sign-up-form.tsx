import { type SubmitEvent, useState } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import { errorKey } from "../../sync/error-text.ts";
import { Field } from "../../ui/field.tsx";
import { asApiError } from "../../wire/errors.ts";
import { PasswordField } from "./password-field.tsx";
import { useSignUp } from "./use-enter.ts";

export function SignUpForm() {
  const t = useT();
  const signUp = useSignUp();
  const [form, setForm] = useState({ username: "", displayName: "", password: "" });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const displayName = form.displayName.trim();
    signUp.mutate({
      username: form.username.trim(),
      password: form.password,
      ...(displayName === "" ? {} : { display_name: displayName }),
    });
  };
  const error = signUp.error ? asApiError(signUp.error) : undefined;
  const fields = error?.fields ?? {};
  const told = Object.keys(fields).length > 0;
  // A conflict can only be the name: it is taken.
  const nameError =
    (error?.code === "conflict" ? undefined : fields["username"]) ??
    (error?.code === "conflict" ? t("auth.taken") : undefined);
  return (
    <form onSubmit={submit} className="space-y-4">
      <Field
        label={t("auth.username")}
        hint={t("auth.username.hint")}
        error={nameError}
        name="username"
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        required
        minLength={3}
        maxLength={32}
        value={form.username}
        onChange={(event) => {
          setForm({ ...form, username: event.target.value });
        }}
      />
      <Field
        label={t("auth.displayName")}
        note={t("auth.optional")}
        error={fields["display_name"]}
        name="name"
        autoComplete="name"
        value={form.displayName}
        onChange={(event) => {
          setForm({ ...form, displayName: event.target.value });
        }}
      />
      <PasswordField
        label={t("auth.password")}
        hint={t("auth.password.hint")}
        error={fields["password"]}
        name="new-password"
        autoComplete="new-password"
        minLength={8}
        value={form.password}
        onChange={(event) => {
          setForm({ ...form, password: event.target.value });
        }}
      />
      {error && !told && error.code !== "conflict" && (
        <p role="alert" className="text-sm text-danger">
          {t(errorKey(error))}
        </p>
      )}
      <button type="submit" className="btn btn-primary btn-block" disabled={signUp.isPending}>
        {t("auth.signUp")}
      </button>
    </form>
  );
}
