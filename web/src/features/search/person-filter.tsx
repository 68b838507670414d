import { X } from "lucide-react";
import { useState } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import { personName } from "../../sync/naming.ts";
import { useFoundMembers, useMembers, useUser } from "../../sync/queries.ts";
import { Avatar } from "../../ui/avatar.tsx";
import { useSettled } from "../../ui/use-settled.ts";

const mostShown = 5;

interface PersonFilterProps {
  conversationId: string;
  /** Whose messages are looked for. */
  by: string | undefined;
  onChange: (by: string | undefined) => void;
}

/** Chooses one of a conversation's members, or anyone. */
export function PersonFilter({ conversationId, by, onChange }: PersonFilterProps) {
  const t = useT();
  const [text, setText] = useState("");
  const query = useSettled(text.trim());
  const members = useMembers(conversationId, by === undefined && query === "");
  const found = useFoundMembers(conversationId, query, by === undefined);
  const person = useUser(by);
  if (by !== undefined) {
    const name = personName(person);
    return (
      <button
        type="button"
        aria-label={t("search.byRemove", { name })}
        title={t("search.byRemove", { name })}
        className="btn max-w-full justify-start gap-2 rounded-full px-2 btn-sm"
        onClick={() => {
          onChange(undefined);
        }}
      >
        <Avatar name={name} seed={by} src={person?.avatar_url} size="xs" />
        <bdi className="truncate">{name}</bdi>
        <X size={14} aria-hidden="true" />
      </button>
    );
  }
  const people = query === "" ? (members.data?.pages[0]?.items ?? []) : (found.data ?? []);
  return (
    <div>
      <input
        type="search"
        value={text}
        aria-label={t("search.by")}
        placeholder={t("search.by")}
        className="input w-full input-sm"
        onChange={(event) => {
          setText(event.target.value);
        }}
      />
      <ul aria-label={t("search.by")} className="mt-1 flex flex-wrap gap-1">
        {people.slice(0, mostShown).map(({ user }) => (
          <li key={user.id} className="max-w-full">
            <button
              type="button"
              className="btn max-w-full gap-1.5 rounded-full px-1.5 btn-ghost btn-sm"
              onClick={() => {
                setText("");
                onChange(user.id);
              }}
            >
              <Avatar name={personName(user)} seed={user.id} src={user.avatar_url} size="xs" />
              <bdi className="truncate">{personName(user)}</bdi>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
