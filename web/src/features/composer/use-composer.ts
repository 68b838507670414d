import { useQueryClient } from "@tanstack/react-query";
import { utf8Length } from "../../lib/bytes.ts";
import { type Composing, setComposing, useComposing } from "../../sync/drafts.ts";
import { keys } from "../../sync/keys.ts";
import { useMe } from "../../sync/queries.ts";
import { useEngine } from "../../sync/session-context.ts";
import { lastOwnMessage, type Timeline } from "../../sync/timeline.ts";
import { type ChosenFiles, newFileKey, useFiles } from "./use-files.ts";
import { useMentions } from "./use-mentions.ts";

export interface ComposerState {
  composing: Composing;
  chosen: ChosenFiles;
  /** Bytes that may still be written; negative if the text is too long. */
  bytesLeft: number;
  canSend: boolean;
  write: (text: string) => void;
  send: () => void;
  /** Sends one file by itself, at once. */
  sendFile: (file: File) => void;
  /** Gives up the reply or the edit. */
  leaveMode: () => void;
  editLast: () => boolean;
}

/** What the composer of one conversation holds and does. */
export function useComposer(id: string): ComposerState {
  const engine = useEngine();
  const client = useQueryClient();
  const { limits } = useMe();
  const composing = useComposing(id);
  const chosen = useFiles(id);
  const { text, replyTo, editing } = composing;
  const bytesLeft = limits.text_bytes - utf8Length(text.trim());
  const mentioned = useMentions(id, editing ? "" : text, replyTo);
  const hasFiles = chosen.files.length > 0 && !editing;
  const canSend = bytesLeft >= 0 && (text.trim() !== "" || hasFiles);

  const leaveMode = (): void => {
    setComposing(id, { text: editing ? editing.before : text });
  };
  const send = (): void => {
    if (!canSend) return;
    engine.typing.stopped();
    if (editing) {
      const timeline = client.getQueryData<Timeline>(keys.timeline(id));
      const before = timeline && lastOwnMessage(timeline, engine.me);
      const unchanged = before?.seq === editing.seq && before.text === text.trim();
      if (!unchanged) engine.outbox.add(id, { kind: "edit", target: editing.seq, text: text.trim() });
      setComposing(id, { text: editing.before });
      return;
    }
    const mentions = mentioned(text);
    engine.outbox.add(id, {
      kind: "message",
      text: text.trim(),
      ...(mentions.length > 0 ? { mentions } : {}),
      ...(replyTo === undefined ? {} : { reply_to: replyTo }),
      files: [...chosen.files],
    });
    setComposing(id, { text: "" });
    chosen.clear();
  };
  const sendFile = (file: File): void => {
    const one = { key: newFileKey(file.name), name: file.name, size: file.size, mime: file.type, blob: file };
    const mentions = mentioned("");
    engine.outbox.add(id, {
      kind: "message",
      text: "",
      ...(mentions.length > 0 ? { mentions } : {}),
      ...(replyTo === undefined ? {} : { reply_to: replyTo }),
      files: [one],
    });
    setComposing(id, { text });
  };
  return {
    composing,
    chosen,
    bytesLeft,
    canSend,
    send,
    sendFile,
    leaveMode,
    write: (next) => {
      setComposing(id, { ...composing, text: next });
      if (next !== "") engine.typing.typed(id);
    },
    editLast: () => {
      const timeline = client.getQueryData<Timeline>(keys.timeline(id));
      const last = timeline && lastOwnMessage(timeline, engine.me);
      if (!last) return false;
      setComposing(id, { text: last.text, editing: { seq: last.seq, before: text } });
      return true;
    },
  };
}
