import { Check, X } from "lucide-react";
import { useT } from "../../lib/i18n/i18n.ts";
import { personName } from "../../sync/naming.ts";
import { Avatar } from "../../ui/avatar.tsx";
import type { User } from "../../wire/types.ts";

interface PickedProps {
  users: readonly User[];
  onRemove: (user: User) => void;
}

/** The people that were chosen so far. */
export function Picked({ users, onRemove }: PickedProps) {
  const t = useT();
  if (users.length === 0) return null;
  return (
    <ul className="flex flex-wrap gap-1.5 px-3 pt-2">
      {users.map((user) => (
        <li key={user.id}>
          <button
            type="button"
            aria-label={t("new.remove", { name: personName(user) })}
            className="flex items-center gap-1.5 rounded-full bg-base-200 py-0.5 ps-0.5 pe-2 text-sm hover:bg-base-300"
            onClick={() => {
              onRemove(user);
            }}
          >
            <Avatar name={personName(user)} seed={user.id} src={user.avatar_url} size="sm" />
            <bdi className="max-w-40 truncate">{personName(user)}</bdi>
            <X size={14} aria-hidden="true" />
          </button>
        </li>
      ))}
    </ul>
  );
}

/** The mark of a person that is chosen. */
export function PickMark({ on }: { on: boolean }) {
  return (
    <span
      aria-hidden="true"
      className={`flex size-5 items-center justify-center rounded-full border ${on ? "border-primary bg-primary text-primary-content" : "border-base-content/40"}`}
    >
      {on && <Check size={14} />}
    </span>
  );
}

/** The list with a person put in, or taken out if they were in it. */
export function toggled(users: readonly User[], user: User): User[] {
  return users.some((one) => one.id === user.id) ? users.filter((one) => one.id !== user.id) : [...users, user];
}
