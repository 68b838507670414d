import { Check, Pencil, X } from "lucide-react";
import { type SubmitEvent, useState } from "react";
import { firstCharacters } from "../../lib/characters.ts";
import { useT } from "../../lib/i18n/i18n.ts";
import { errorKey } from "../../sync/error-text.ts";
import { useRenameConversation } from "../../sync/mutations.ts";
import { IconButton } from "../../ui/icon-button.tsx";
import type { Conversation } from "../../wire/types.ts";

const maxTitle = 200;

/** The name of a group; admins can change it in place. */
export function GroupTitle({ conversation }: { conversation: Conversation }) {
  const t = useT();
  const rename = useRenameConversation(conversation.id);
  const [title, setTitle] = useState<string>();
  const done = (): void => {
    setTitle(undefined);
  };
  if (title === undefined) {
    return (
      <h2 className="flex items-center justify-center gap-1 text-xl font-semibold">
        <bdi className="wrap-anywhere">{conversation.title}</bdi>
        {conversation.role !== "member" && (
          <IconButton
            label={t("details.rename")}
            icon={<Pencil size={16} />}
            onClick={() => {
              setTitle(conversation.title);
            }}
          />
        )}
      </h2>
    );
  }
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (title.trim() === "" || title.trim() === conversation.title) done();
    else rename.mutate(title.trim(), { onSuccess: done });
  };
  return (
    <form onSubmit={submit} className="w-full">
      <div className="flex items-center gap-1">
        <input
          // It stands where the button was that was just pressed.
          // eslint-disable-next-line jsx-a11y/no-autofocus
          autoFocus
          className="input min-w-0 flex-1"
          aria-label={t("new.group.name")}
          value={title}
          onChange={(event) => {
            setTitle(firstCharacters(event.target.value, maxTitle));
          }}
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            event.stopPropagation();
            done();
          }}
        />
        <IconButton type="submit" label={t("app.save")} icon={<Check size={18} />} disabled={rename.isPending} />
        <IconButton label={t("app.cancel")} icon={<X size={18} />} onClick={done} />
      </div>
      {rename.error && (
        <p role="alert" className="mt-1 text-sm text-danger">
          {t(errorKey(rename.error))}
        </p>
      )}
    </form>
  );
}
