import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { knownConversation } from "../../sync/apply-entry.ts";
import { useEngine } from "../../sync/session-context.ts";

/**
 * A conversation may open with what the device kept of it, in which all is read.
 * Once what was missed meanwhile is here, `onNews` hears after which seq it is
 * unread; until then nothing counts as seen (false is returned), or all of it
 * would be read by opening.
 */
export function useFresh(id: string, at: number | undefined, onNews: (readSeq: number) => void): boolean {
  const engine = useEngine();
  const client = useQueryClient();
  const [fresh, setFresh] = useState(
    () => at !== undefined || engine.isFresh(id) || (knownConversation(client, id)?.unread ?? 0) > 0,
  );
  const callback = useRef(onNews);
  useEffect(() => {
    callback.current = onNews;
  });
  useEffect(() => {
    if (fresh) return;
    let dropped = false;
    void engine.whenFresh(id).then(() => {
      if (dropped) return;
      const conversation = knownConversation(client, id);
      if (conversation && conversation.unread > 0) callback.current(conversation.read_seq);
      setFresh(true);
    });
    return () => {
      dropped = true;
    };
  }, [engine, client, id, fresh]);
  return fresh;
}
