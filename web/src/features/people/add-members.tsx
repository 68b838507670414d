import { useState } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import { errorKey } from "../../sync/error-text.ts";
import { useAddMembers } from "../../sync/mutations.ts";
import { useMembers } from "../../sync/queries.ts";
import type { User } from "../../wire/types.ts";
import { PeopleSearch } from "./people-search.tsx";
import { PersonRow } from "./person-row.tsx";
import { Picked, PickMark, toggled } from "./picked.tsx";

interface AddMembersProps {
  conversationId: string;
  onDone: () => void;
}

/** Chooses people and adds them to a group. */
export function AddMembers({ conversationId, onDone }: AddMembersProps) {
  const t = useT();
  const add = useAddMembers(conversationId);
  const members = useMembers(conversationId);
  const [users, setUsers] = useState<User[]>([]);
  const present = new Set(members.data?.pages.flatMap((page) => page.items.map((member) => member.user.id)));
  const toggle = (user: User): void => {
    setUsers((before) => toggled(before, user));
  };
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <Picked users={users} onRemove={toggle} />
      <PeopleSearch
        row={(user) => {
          const on = users.some((one) => one.id === user.id);
          return present.has(user.id) ? (
            <PersonRow user={user} disabled note={t("details.alreadyIn")} onSelect={() => undefined} />
          ) : (
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
        {add.error && (
          <p role="alert" className="mb-2 text-sm text-danger">
            {t(errorKey(add.error))}
          </p>
        )}
        <button
          type="button"
          className="btn btn-block btn-primary"
          disabled={users.length === 0 || add.isPending}
          onClick={() => {
            add.mutate(
              users.map((user) => user.id),
              { onSuccess: onDone },
            );
          }}
        >
          {t("details.addDone")}
        </button>
      </div>
    </div>
  );
}
