import { useEffect, useRef } from "react";
import type { OutboxItem } from "../../sync/outbox-item.ts";

/** Calls back when this person sends a message from here: the view goes to it. */
export function useOwnSends(outbox: readonly OutboxItem[], onSend: () => void): void {
  const last = outbox.findLast((item) => item.action.kind === "message")?.order ?? 0;
  const seen = useRef(last);
  const callback = useRef(onSend);
  useEffect(() => {
    callback.current = onSend;
  });
  useEffect(() => {
    if (last > seen.current) {
      seen.current = last;
      callback.current();
    }
  }, [last]);
}
