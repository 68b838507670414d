import { Link, Navigate, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { LogInForm } from "../features/auth/log-in-form.tsx";
import { SignUpForm } from "../features/auth/sign-up-form.tsx";
import { useT } from "../lib/i18n/i18n.ts";
import { useSessionState } from "../sync/session-context.ts";
import { Landing, Sign } from "./landing.tsx";

function Door({ title, children, other }: { title: string; children: ReactNode; other: ReactNode }) {
  const { status } = useSessionState();
  const { next } = useSearch({ strict: false });
  if (status === "in") return <Navigate to={next ?? "/"} replace />;
  return (
    <main className="flex h-dvh bg-base-200 text-base-content lg:bg-base-100">
      <Landing />
      <div className="flex flex-1 items-start justify-center overflow-y-auto p-4 sm:items-center lg:max-w-xl">
        <div className="safe-top w-full max-w-sm py-8">
          <Sign />
          <div className="rounded-box border border-base-300 bg-base-100 p-6 lg:border-0 lg:p-0">
            <h1 className="mb-4 text-xl font-semibold">{title}</h1>
            {children}
          </div>
          <p className="mt-4 text-center text-sm lg:mt-6">{other}</p>
        </div>
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
