import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useState, useSyncExternalStore } from "react";
import { knownConversation } from "../../sync/apply-entry.ts";
import { useEngine } from "../../sync/session-context.ts";
import { firstAfter, type Timeline } from "../../sync/timeline.ts";
import type { Conversation } from "../../wire/types.ts";
import { type Known, learn, left, lookedAway, moved, open, type Opening, sent } from "./opening.ts";

interface ShownOpening {
  opening: Opening;
  onMoved: () => void;
  onSent: () => void;
  onLeft: () => void;
}

/** Where a conversation opens, as far as that is known by now. */
export function useOpening(
  conversation: Conversation,
  timeline: Timeline | undefined,
  at: number | undefined,
): ShownOpening {
  const engine = useEngine();
  const client = useQueryClient();
  const { id, last_seq: lastSeq, read_seq: readSeq, unread } = conversation;
  const known: Known = {
    told: useSyncExternalStore(engine.told.listen, () => engine.told.first(id)),
    toldRead: engine.told.firstRead(id),
    lastSeq,
    readSeq,
    unread,
    head: timeline?.head,
    firstAfter: (seq) => (timeline ? firstAfter(timeline, seq, engine.me) : undefined),
  };
  // Who chooses a conversation later goes by what the server said of it last.
  const [state, setOpening] = useState(() => open({ ...known, told: engine.told.latest(id) }, at !== undefined));
  const opening = at === undefined ? learn(state, known) : left(state);
  if (opening !== state) setOpening(opening);

  useEffect(() => {
    engine.askUntold(id);
  }, [engine, id]);
  useEffect(() => {
    const away = (): void => {
      const now = knownConversation(client, id);
      if (now?.unread === 0) setOpening((before) => lookedAway(before, now.last_seq));
    };
    window.addEventListener("blur", away);
    return () => {
      window.removeEventListener("blur", away);
    };
  }, [client, id]);
  const onMoved = useCallback(() => {
    setOpening(moved);
  }, []);
  const onSent = useCallback(() => {
    setOpening(sent);
  }, []);
  const onLeft = useCallback(() => {
    setOpening(left);
  }, []);
  return { opening, onMoved, onSent, onLeft };
}
