import { Navigate, Outlet, useLocation } from "@tanstack/react-router";
import { WifiOff } from "lucide-react";
import { useEffect } from "react";
import { useT } from "../lib/i18n/i18n.ts";
import { useSessionKeeper, useSessionState } from "../sync/session-context.ts";
import { Announcer } from "../ui/announcer.tsx";
import { EmptyState } from "../ui/empty-state.tsx";
import { SkeletonRows } from "../ui/skeleton.tsx";
import { Toasts } from "../ui/toasts.tsx";

import { UpdateNote } from "./update-note.tsx";

const retryMs = 3_000;

/** The server does not answer and nothing is kept on this device. */
function Unreachable() {
  const t = useT();
  const session = useSessionKeeper();
  useEffect(() => {
    const timer = setInterval(() => void session.check(), retryMs);
    return () => {
      clearInterval(timer);
    };
  }, [session]);
  return (
    <main className="h-dvh">
      <EmptyState
        icon={<WifiOff size={28} />}
        title={t("app.unreachable.title")}
        text={t("app.unreachable.text")}
        action={
          <button type="button" className="btn btn-primary" onClick={() => void session.check()}>
            {t("app.tryAgain")}
          </button>
        }
      />
    </main>
  );
}

function Page() {
  const t = useT();
  const { status } = useSessionState();
  const { pathname, href } = useLocation();
  const atDoor = pathname === "/login" || pathname === "/signup";
  if (status === "unknown") {
    return (
      <main className="flex h-dvh overflow-hidden bg-base-200">
        <div className="w-full border-e border-base-300 bg-base-100 md:w-85">
          <div className="space-y-2 px-3 pt-2 pb-2">
            <div className="flex h-10 items-center gap-3 px-1">
              <div className="size-8 skeleton rounded-full" />
              <div className="h-4 w-32 skeleton" />
            </div>
            <div className="h-10 skeleton rounded-field" />
          </div>
          <SkeletonRows count={9} label={t("app.loading")} />
        </div>
      </main>
    );
  }
  if (status === "unreachable") return <Unreachable />;
  if (status === "out" && !atDoor) {
    return <Navigate to="/login" search={pathname === "/" ? {} : { next: href }} replace />;
  }
  return <Outlet />;
}

/** What is around every page. */
export function Root() {
  return (
    <>
      <Page />
      <UpdateNote />
      <Toasts />
      <Announcer />
    </>
  );
}
