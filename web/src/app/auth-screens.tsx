import { Link, Navigate, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { LogInForm } from "../features/auth/log-in-form.tsx";
import { SignUpForm } from "../features/auth/sign-up-form.tsx";
import { useT } from "../lib/i18n/i18n.ts";
import { useSessionState } from "../sync/session-context.ts";

function Door({ title, children, other }: { title: string; children: ReactNode; other: ReactNode }) {
  const t = useT();
  const { status } = useSessionState();
  const { next } = useSearch({ strict: false });
  if (status === "in") return <Navigate to={next ?? "/"} replace />;
  return (
    <main className="flex h-dvh items-start justify-center overflow-y-auto bg-base-200 p-4 sm:items-center">
      <div className="w-full max-w-sm py-8">
        <div className="mb-6 flex items-center gap-3">
          <img src="/icon.svg" alt="" width={48} height={48} />
          <div>
            <p className="text-2xl font-bold tracking-tight">{t("app.name")}</p>
            <p className="text-sm text-base-content/70">{t("app.tagline")}</p>
          </div>
        </div>
        <div className="rounded-box border border-base-300 bg-base-100 p-6">
          <h1 className="mb-4 text-xl font-semibold">{title}</h1>
          {children}
        </div>
        <p className="mt-4 text-center text-sm">{other}</p>
      </div>
    </main>
  );
}

export function LogInScreen() {
  const t = useT();
  const { next } = useSearch({ strict: false });
  return (
    <Door
      title={t("auth.logIn.title")}
      other={
        <>
          {t("auth.toSignUp")}{" "}
          <Link to="/signup" search={next ? { next } : {}} className="link text-brand font-medium">
            {t("auth.signUp")}
          </Link>
        </>
      }
    >
      <LogInForm />
    </Door>
  );
}

export function SignUpScreen() {
  const t = useT();
  const { next } = useSearch({ strict: false });
  return (
    <Door
      title={t("auth.signUp.title")}
      other={
        <>
          {t("auth.toLogIn")}{" "}
          <Link to="/login" search={next ? { next } : {}} className="link text-brand font-medium">
            {t("auth.logIn")}
          </Link>
        </>
      }
    >
      <SignUpForm />
    </Door>
  );
}
