import { useNavigate } from "@tanstack/react-router";
import { type SubmitEvent, useState } from "react";
import { firstCharacters } from "../../lib/characters.ts";
import { useT } from "../../lib/i18n/i18n.ts";
import { errorKey } from "../../sync/error-text.ts";
import { useCreateConversation } from "../../sync/mutations.ts";
import { Field } from "../../ui/field.tsx";
import type { User } from "../../wire/types.ts";
import { PeopleSearch } from "./people-search.tsx";
import { PersonRow } from "./person-row.tsx";
import { Picked, PickMark, toggled } from "./picked.tsx";

const maxTitle = 200;

/** Names a new group and chooses who is in it. */
export function NewGroup() {
  const t = useT();
  const navigate = useNavigate();
  const create = useCreateConversation();
  const [title, setTitle] = useState("");
  const [missing, setMissing] = useState(false);
  const [users, setUsers] = useState<User[]>([]);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    setMissing(title.trim() === "");
    if (title.trim() === "") return;
    create.mutate(
      { kind: "group", title: title.trim(), member_ids: users.map((user) => user.id) },
      { onSuccess: ({ id }) => void navigate({ to: "/c/$id", params: { id }, replace: true }) },
    );
  };
  const toggle = (user: User): void => {
    setUsers((before) => toggled(before, user));
  };
  return (
    <form onSubmit={submit} className="flex min-h-0 flex-1 flex-col">
      <Field
        className="px-3 pt-3"
        label={t("new.group.name")}
        // The page is there for filling it in.
        // eslint-disable-next-line jsx-a11y/no-autofocus
        autoFocus
        error={missing ? t("new.group.nameMissing") : undefined}
        value={title}
        onChange={(event) => {
          setTitle(firstCharacters(event.target.value, maxTitle));
          setMissing(false);
        }}
      />
      <p className="px-3 pt-3 text-sm font-medium">{t("new.group.people")}</p>
      <Picked users={users} onRemove={toggle} />
      <PeopleSearch
        later
        row={(user) => {
          const on = users.some((one) => one.id === user.id);
          return (
            <PersonRow
              user={user}
              pressed={on}
              end={<PickMark on={on} />}
              onSelect={() => {
                toggle(user);
              }}
            />
          );
        }}
      />
      <div className="safe-bottom border-t border-base-300 p-3">
        {create.error && (
          <p role="alert" className="mb-2 text-sm text-danger">
            {t(errorKey(create.error))}
          </p>
        )}
        <button type="submit" className="btn btn-block btn-primary" disabled={create.isPending}>
          {t("new.group.create")}
          {users.length > 0 && <span className="font-normal">· {t("new.group.members", { count: users.length })}</span>}
        </button>
      </div>
    </form>
  );
}
