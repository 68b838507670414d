import { CloudOff, LoaderCircle } from "lucide-react";
import { useEffect } from "react";
import { create } from "zustand";
import { cx } from "../lib/cx.ts";
import { useT } from "../lib/i18n/i18n.ts";
import { useLineState } from "../sync/line-state.ts";
import { useOutbox } from "../sync/queries.ts";
import { useEngine } from "../sync/session-context.ts";

/** A short break is nobody's business; that there is no network is told at once. */
const patienceMs = 1_500;

const usePatience = create<{ longDown: boolean }>(() => ({ longDown: false }));

/** Tells the engine when the network and the page come and go, and notices when the line is missed for long. */
export function useLineWatch(): void {
  const engine = useEngine();
  const isUp = useLineState((state) => state.line === "up");

  useEffect(() => {
    const online = (): void => {
      engine.setNetwork(true);
    };
    const offline = (): void => {
      engine.setNetwork(false);
    };
    const look = (): void => {
      // A page that is hidden on a phone may never hear that it ends.
      if (document.visibilityState === "visible") engine.wake();
      else engine.leave();
    };
    const leave = (): void => {
      engine.leave();
    };
    window.addEventListener("pagehide", leave);
    window.addEventListener("online", online);
    window.addEventListener("offline", offline);
    document.addEventListener("visibilitychange", look);
    return () => {
      window.removeEventListener("pagehide", leave);
      window.removeEventListener("online", online);
      window.removeEventListener("offline", offline);
      document.removeEventListener("visibilitychange", look);
    };
  }, [engine]);

  useEffect(() => {
    if (isUp) return;
    const timer = setTimeout(() => {
      usePatience.setState({ longDown: true });
    }, patienceMs);
    return () => {
      clearTimeout(timer);
      usePatience.setState({ longDown: false });
    };
  }, [isUp]);
}

/**
 * Says when there is no line, and how much waits for it. It lies over its place,
 * at the lower edge of what holds it: nothing moves when it comes or goes.
 */
export function LineNote({ small = false }: { small?: boolean }) {
  const t = useT();
  const line = useLineState((state) => state.line);
  const longDown = usePatience((state) => state.longDown);
  const waiting = useOutbox().filter(
    (item) => item.action.kind === "message" && !item.failed && item.acked === undefined,
  ).length;
  const shown = line !== "up" && (longDown || line === "offline");
  const offline = line === "offline" || !navigator.onLine;
  const what = offline ? t("line.offline") : t("line.connecting");
  return (
    <div
      role="status"
      className={cx("pointer-events-none absolute inset-x-2 z-10 flex justify-center", small ? "bottom-0" : "bottom-3")}
    >
      {shown && (
        <p
          className={cx(
            "flex max-w-full items-center gap-2 rounded-full line-note",
            small ? "h-5 px-2 text-xs" : "px-4 py-1.5 text-sm shadow-md",
          )}
        >
          {offline ? (
            <CloudOff size={small ? 14 : 16} className="text-danger" aria-hidden="true" />
          ) : (
            <LoaderCircle size={small ? 14 : 16} className="animate-spin" aria-hidden="true" />
          )}
          <span className="truncate">
            {what}
            {waiting > 0 && `, ${t("line.waiting", { count: waiting })}`}
          </span>
        </p>
      )}
    </div>
  );
}
