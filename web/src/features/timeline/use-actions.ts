import { useEffect, useMemo, useRef } from "react";
import { composingOf, setComposing } from "../../sync/drafts.ts";
import { useEngine } from "../../sync/session-context.ts";
import type { Message } from "../../wire/types.ts";
import type { TimelineActions } from "./actions.ts";
import type { Overlay } from "./overlays.tsx";

interface ActionsInput {
  id: string;
  setOverlay: (overlay: Overlay | undefined) => void;
  jumpTo: (seq: number) => void;
  forward: (message: Message) => void;
  pin: (message: Message, on: boolean) => void;
}

/** What rows can do; one object for as long as the conversation is open, so that rows need not be drawn again. */
export function useActions({ id, setOverlay, jumpTo, forward, pin }: ActionsInput): TimelineActions {
  const engine = useEngine();
  const outer = useRef({ jumpTo, forward, pin });
  useEffect(() => {
    outer.current = { jumpTo, forward, pin };
  });
  return useMemo<TimelineActions>(
    () => ({
      reply: (message) => {
        setComposing(id, { text: composingOf(id).editing?.before ?? composingOf(id).text, replyTo: message.seq });
      },
      edit: (message) => {
        const now = composingOf(id);
        setComposing(id, {
          text: message.text,
          editing: { seq: message.seq, before: now.editing?.before ?? now.text },
        });
      },
      react: (message, emoji, on) => {
        engine.outbox.add(id, { kind: "reaction", target: message.seq, emoji, on });
      },
      pickEmoji: (message, near) => {
        const box = near.getBoundingClientRect();
        setOverlay({ kind: "emoji", message, at: { x: box.left + box.width / 2, y: box.top } });
      },
      openMenu: (row, at) => {
        setOverlay({ kind: "menu", row, at });
      },
      askDelete: (row) => {
        setOverlay({ kind: "delete", row });
      },
      showSeenBy: (message) => {
        setOverlay({ kind: "seen", message });
      },
      jumpTo: (seq) => {
        outer.current.jumpTo(seq);
      },
      pin: (message, on) => {
        outer.current.pin(message, on);
      },
      forward: (message) => {
        outer.current.forward(message);
      },
      retry: (clientId) => {
        engine.outbox.retry(clientId);
      },
      cancel: (clientId) => {
        engine.outbox.cancel(clientId);
      },
    }),
    [engine, id, setOverlay],
  );
}
