import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { knownConversation } from "../../sync/apply-entry.ts";

/**
 * After which seq the "New" line stands: where this person had read to when
 * they opened the conversation, or when they last looked away from it.
 */
export function useDivider(id: string): [number | null, () => void] {
  const client = useQueryClient();
  const [after, setAfter] = useState<number | null>(() => {
    const conversation = knownConversation(client, id);
    return conversation && conversation.unread > 0 ? conversation.read_seq : null;
  });
  useEffect(() => {
    const left = (): void => {
      const conversation = knownConversation(client, id);
      if (conversation?.unread === 0) setAfter(conversation.last_seq);
    };
    window.addEventListener("blur", left);
    return () => {
      window.removeEventListener("blur", left);
    };
  }, [client, id]);
  return [
    after,
    () => {
      setAfter(null);
    },
  ];
}
