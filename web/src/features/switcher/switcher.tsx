import { useNavigate } from "@tanstack/react-router";
import { Bookmark, Search, Users } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { cx } from "../../lib/cx.ts";
import { useT } from "../../lib/i18n/i18n.ts";
import { errorKey } from "../../sync/error-text.ts";
import { type Choice, useChoices } from "../../sync/choices.ts";
import { useCreateConversation } from "../../sync/mutations.ts";
import { useEngine } from "../../sync/session-context.ts";
import { Avatar } from "../../ui/avatar.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { toast } from "../../ui/toasts.tsx";

interface OptionProps {
  choice: Choice;
  id: string;
  selected: boolean;
  onChoose: () => void;
}

function Option({ choice, id, selected, onChoose }: OptionProps) {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (selected) ref.current?.scrollIntoView({ block: "nearest" });
  }, [selected]);
  const icon = choice.self ? <Bookmark size={16} /> : choice.group && !choice.src ? <Users size={16} /> : undefined;
  return (
    // The field has the focus and moves the selection: options of a combobox take no focus of their own.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus
    <div
      ref={ref}
      id={id}
      role="option"
      aria-selected={selected}
      className={cx("flex cursor-pointer items-center gap-3 rounded-field px-3 py-2", selected && "bg-primary/12")}
      onClick={onChoose}
    >
      <Avatar name={choice.name} seed={choice.seed} src={choice.src} size="sm" icon={icon} />
      <bdi className="min-w-0 flex-1 truncate font-medium">{choice.name}</bdi>
      <bdi className="truncate text-sm text-base-content/80">{choice.note}</bdi>
    </div>
  );
}

interface SwitcherProps {
  onClose: () => void;
  /** What else is found by the same text. */
  extra?: (text: string) => ReactNode;
}

/** Goes anywhere from anywhere: conversations and people by name (Ctrl or Cmd+K). */
export function Switcher({ onClose, extra }: SwitcherProps) {
  const t = useT();
  const navigate = useNavigate();
  const { me } = useEngine();
  const create = useCreateConversation();
  const listId = useId();
  const [text, setText] = useState("");
  const [selected, setSelected] = useState(0);
  const choices = useChoices(text);

  const open = (choice: Choice | undefined): void => {
    if (!choice) return;
    const go = (id: string): void => {
      onClose();
      void navigate({ to: "/c/$id", params: { id }, search: {} });
    };
    if (choice.conversationId !== undefined) go(choice.conversationId);
    else {
      create.mutate(
        { kind: "direct", user_id: choice.userId ?? me },
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
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter") open(choices[selected]);
    else if (event.key === "ArrowDown") setSelected(Math.min(choices.length - 1, selected + 1));
    else if (event.key === "ArrowUp") setSelected(Math.max(0, selected - 1));
    else return;
    event.preventDefault();
  };
  return (
    <Dialog
      title={t("switcher.title")}
      hideTitle
      onClose={onClose}
      className="mt-[8dvh] flex max-h-[76dvh] max-w-lg flex-col self-start p-0"
    >
      <label className="flex items-center gap-3 border-b border-base-300 px-4">
        <Search size={18} aria-hidden="true" />
        <input
          // The dialog is there for typing.
          // eslint-disable-next-line jsx-a11y/no-autofocus
          autoFocus
          role="combobox"
          aria-expanded="true"
          aria-controls={listId}
          aria-activedescendant={choices.length > 0 ? `${listId}-${String(selected)}` : undefined}
          aria-label={t("switcher.title")}
          placeholder={t("switcher.placeholder")}
          autoCapitalize="none"
          spellCheck={false}
          className="h-14 min-w-0 flex-1 bg-transparent outline-none"
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setSelected(0);
          }}
          onKeyDown={onKeyDown}
        />
      </label>
      <div
        id={listId}
        role="listbox"
        aria-label={t("switcher.title")}
        className={cx("flex-1 overflow-y-auto", choices.length > 0 && "min-h-24 p-2")}
      >
        {choices.map((choice, index) => (
          <Option
            key={choice.key}
            id={`${listId}-${String(index)}`}
            choice={choice}
            selected={index === selected}
            onChoose={() => {
              open(choice);
            }}
          />
        ))}
      </div>
      {choices.length === 0 && (
        <p className="px-4 py-4 text-center text-sm text-base-content/70">{t("switcher.none")}</p>
      )}
      {extra?.(text)}
      <p className="border-t border-base-300 px-4 py-2 text-xs text-base-content/70 max-md:hidden">
        {t("switcher.hint")}
      </p>
    </Dialog>
  );
}
