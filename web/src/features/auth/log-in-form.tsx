import { type SubmitEvent, useState } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import { errorKey } from "../../sync/error-text.ts";
import { Field } from "../../ui/field.tsx";
import { asApiError } from "../../wire/errors.ts";
import { PasswordField } from "./password-field.tsx";
import { useLogIn } from "./use-enter.ts";

export function LogInForm() {
  const t = useT();
  const logIn = useLogIn();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    logIn.mutate({ username: username.trim(), password });
  };
  const wrong = logIn.error && asApiError(logIn.error).code === "unauthenticated";
  return (
    <form onSubmit={submit} className="space-y-4">
      <Field
        label={t("auth.username")}
        name="username"
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        required
        value={username}
        onChange={(event) => {
          setUsername(event.target.value);
        }}
      />
      <PasswordField
        label={t("auth.password")}
        name="password"
        autoComplete="current-password"
        value={password}
        onChange={(event) => {
          setPassword(event.target.value);
        }}
      />
      {logIn.error && (
        <p role="alert" className="text-sm text-danger">
          {wrong ? t("auth.wrong") : t(errorKey(logIn.error))}
        </p>
      )}
      <button type="submit" className="btn btn-primary btn-block" disabled={logIn.isPending}>
        {t("auth.logIn")}
      </button>
    </form>
  );
}
