import { useEffect, useState } from "react";
import { spellDuration } from "../../lib/time.ts";

/** How long something goes on, as a clock shows it; live. */
export function useTimer(since: number | undefined): string {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (since === undefined) return;
    const timer = setInterval(() => {
      setNow(Date.now());
    }, 500);
    return () => {
      clearInterval(timer);
    };
  }, [since]);
  return spellDuration(since === undefined ? 0 : Math.max(0, Math.floor((now - since) / 1_000) * 1_000));
}
