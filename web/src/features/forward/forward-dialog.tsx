import { Bookmark, Search, Users } from "lucide-react";
import { useState } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import { type Choice, useChoices } from "../../sync/choices.ts";
import { errorKey } from "../../sync/error-text.ts";
import { useCreateConversation } from "../../sync/mutations.ts";
import type { MessageAction } from "../../sync/outbox-item.ts";
import { previewOf } from "../../sync/preview.ts";
import { useEngine } from "../../sync/session-context.ts";
import { Avatar } from "../../ui/avatar.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { toast } from "../../ui/toasts.tsx";
import { asApiError } from "../../wire/errors.ts";
import type { Message } from "../../wire/types.ts";

/** The same words and files again; the files are at the server already. */
function copyOf(message: Message): MessageAction {
  return {
    kind: "message",
    text: message.text,
    files: message.attachments.map((attachment) => {
      const { id, name, size, mime, width, height } = attachment;
      return { key: id, name, size, mime, ...(width && height ? { width, height } : {}), attachment };
    }),
  };
}

interface ForwardDialogProps {
  message: Message;
  onClose: () => void;
}

/** Sends a message to other conversations too, to as many as are picked. */
export function ForwardDialog({ message, onClose }: ForwardDialogProps) {
  const t = useT();
  const engine = useEngine();
  const create = useCreateConversation();
  const [text, setText] = useState("");
  const [picked, setPicked] = useState<ReadonlyMap<string, Choice>>(new Map());
  const [sending, setSending] = useState(false);
  const found = useChoices(text);
  // Who was picked stays in sight, whatever is looked for next.
  const choices = [...picked.values(), ...found.filter((choice) => !picked.has(choice.key))];

  const pick = (choice: Choice, on: boolean): void => {
    const next = new Map(picked);
    if (on) next.set(choice.key, choice);
    else next.delete(choice.key);
    setPicked(next);
  };
  const send = async (): Promise<void> => {
    setSending(true);
    const left = new Map(picked);
    try {
      for (const [key, { conversationId, userId }] of picked) {
        // A person that one never wrote to is a conversation from now on.
        const id = conversationId ?? (await create.mutateAsync({ kind: "direct", user_id: userId ?? engine.me })).id;
        engine.outbox.add(id, copyOf(message));
        left.delete(key);
      }
      toast(t("forward.sent", { count: picked.size }));
      onClose();
    } catch (thrown) {
      // Those that are left stay picked: nobody gets it twice.
      setPicked(left);
      setSending(false);
      toast(t(errorKey(asApiError(thrown))), "error");
    }
  };
  return (
    <Dialog title={t("forward.title")} onClose={onClose} className="flex max-h-[80dvh] max-w-md flex-col">
      <p dir="auto" className="mb-3 truncate border-s-3 border-primary ps-2 text-sm text-base-content/70">
        {previewOf(message, t)}
      </p>
      <label className="input w-full">
        <Search size={16} aria-hidden="true" />
        <span className="sr-only">{t("list.search")}</span>
        <input
          type="search"
          value={text}
          placeholder={t("list.search")}
          onChange={(event) => {
            setText(event.target.value);
          }}
        />
      </label>
      <ul className="-mx-3 mt-2 min-h-40 flex-1 overflow-y-auto">
        {choices.map((choice) => (
          <li key={choice.key}>
            <label className="flex cursor-pointer items-center gap-3 px-3 py-1.5 hover:bg-base-200">
              <Avatar
                name={choice.name}
                seed={choice.seed}
                src={choice.src}
                icon={
                  choice.self ? <Bookmark size={18} /> : choice.group && !choice.src ? <Users size={18} /> : undefined
                }
              />
              <span className="min-w-0 flex-1">
                <bdi className="block truncate font-medium">{choice.name}</bdi>
                <bdi className="block truncate text-xs text-base-content/70">{choice.note}</bdi>
              </span>
              <input
                type="checkbox"
                className="checkbox checkbox-primary"
                aria-label={t("forward.to", { name: choice.name })}
                checked={picked.has(choice.key)}
                onChange={(event) => {
                  pick(choice, event.target.checked);
                }}
              />
            </label>
          </li>
        ))}
        {choices.length === 0 && <li className="p-6 text-center text-sm text-base-content/70">{t("switcher.none")}</li>}
      </ul>
      <div className="modal-action mt-3">
        <button type="button" className="btn" onClick={onClose}>
          {t("app.cancel")}
        </button>
        <button
          type="button"
          className="btn btn-primary"
          disabled={picked.size === 0 || sending}
          onClick={() => void send()}
        >
          {picked.size > 1 ? t("forward.send", { count: picked.size }) : t("composer.send")}
        </button>
      </div>
    </Dialog>
  );
}
