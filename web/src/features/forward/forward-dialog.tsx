import { Bookmark, Check, Search, Users } from "lucide-react";
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

/** Sends a message to other conversations too. */
export function ForwardDialog({ message, onClose }: ForwardDialogProps) {
  const t = useT();
  const engine = useEngine();
  const create = useCreateConversation();
  const [text, setText] = useState("");
  const [sent, setSent] = useState<ReadonlySet<string>>(new Set());
  const choices = useChoices(text);

  const send = (choice: Choice): void => {
    const go = (id: string): void => {
      engine.outbox.add(id, copyOf(message));
      // A person that one never wrote to is a conversation from now on.
      setSent((before) => new Set(before).add(choice.key).add(id));
    };
    if (choice.conversationId !== undefined) go(choice.conversationId);
    else {
      create.mutate(
        { kind: "direct", user_id: choice.userId ?? engine.me },
        {
          onSuccess: ({ id }) => {
            go(id);
          },
          onError: (error) => {
            toast(t(errorKey(error)), "error");
          },
        },
      );
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
          <li key={choice.key} className="flex items-center gap-3 px-3 py-1.5">
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
            {sent.has(choice.key) ? (
              <span role="status" className="flex items-center gap-1 px-2 text-sm text-good">
                <Check size={16} aria-hidden="true" />
                {t("forward.sent")}
              </span>
            ) : (
              <button
                type="button"
                className="btn btn-sm"
                aria-label={t("forward.to", { name: choice.name })}
                onClick={() => {
                  send(choice);
                }}
              >
                {t("composer.send")}
              </button>
            )}
          </li>
        ))}
        {choices.length === 0 && <li className="p-6 text-center text-sm text-base-content/70">{t("switcher.none")}</li>}
      </ul>
      <div className="modal-action mt-3">
        <button type="button" className="btn" onClick={onClose}>
          {sent.size > 0 ? t("app.done") : t("app.cancel")}
        </button>
      </div>
    </Dialog>
  );
}
