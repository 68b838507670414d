import { CloudOff, LoaderCircle } from "lucide-react";
import { useEffect, useState } from "react";
import { useT } from "../lib/i18n/i18n.ts";
import { useLineState } from "../sync/line-state.ts";
import { useOutbox } from "../sync/queries.ts";
import { useEngine } from "../sync/session-context.ts";

/** A short break is nobody's business. */
const patienceMs = 1_500;

/** Says when there is no line, and how much waits for it. */
export function LineBanner() {
  const t = useT();
  const engine = useEngine();
  const line = useLineState((state) => state.line);
  const waiting = useOutbox().filter(
    (item) => item.action.kind === "message" && !item.failed && item.acked === undefined,
  ).length;
  const [longDown, setLongDown] = useState(false);

  useEffect(() => {
    const wake = (): void => {
      engine.wake();
    };
    const sleep = (): void => {
      engine.sleep();
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
    window.addEventListener("online", wake);
    window.addEventListener("offline", sleep);
    document.addEventListener("visibilitychange", look);
    return () => {
      window.removeEventListener("pagehide", leave);
      window.removeEventListener("online", wake);
      window.removeEventListener("offline", sleep);
      document.removeEventListener("visibilitychange", look);
    };
  }, [engine]);

  useEffect(() => {
    if (line === "up") return;
    const timer = setTimeout(() => {
      setLongDown(true);
    }, patienceMs);
    return () => {
      clearTimeout(timer);
      setLongDown(false);
    };
  }, [line]);

  const shown = line !== "up" && longDown;
  const offline = line === "offline" || !navigator.onLine;
  const what = offline ? t("line.offline") : t("line.connecting");
  return (
    <div role="status" className={shown ? "safe-top line-note" : "safe-top"}>
      {shown && (
        <p className="flex items-center justify-center gap-2 px-4 py-1 text-sm">
          {offline ? (
            <CloudOff size={16} className="text-danger" aria-hidden="true" />
          ) : (
            <LoaderCircle size={16} className="animate-spin" aria-hidden="true" />
          )}
          {what}
          {waiting > 0 && `, ${t("line.waiting", { count: waiting })}`}
        </p>
      )}
    </div>
  );
}
