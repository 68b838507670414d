import type { ReactNode } from "react";
import { cx } from "../../lib/cx.ts";
import { personName } from "../../sync/naming.ts";
import { usePresence } from "../../sync/queries.ts";
import { Avatar } from "../../ui/avatar.tsx";
import type { User } from "../../wire/types.ts";

interface PersonRowProps {
  user: User;
  /** What is said below the name instead of the username. */
  note?: string;
  end?: ReactNode;
  pressed?: boolean;
  disabled?: boolean;
  onSelect: () => void;
}

/** One person to choose. */
export function PersonRow({ user, note, end, pressed, disabled, onSelect }: PersonRowProps) {
  const online = usePresence(user.id)?.online;
  return (
    <button
      type="button"
      disabled={disabled}
      aria-pressed={pressed}
      className={cx(
        "flex w-full items-center gap-3 rounded-box px-3 py-2 text-start",
        disabled ? "opacity-60" : "hover:bg-base-200",
      )}
      onClick={onSelect}
    >
      <Avatar name={personName(user)} seed={user.id} src={user.avatar_url} online={online} />
      <span className="min-w-0 flex-1">
        <bdi className="block truncate font-medium">{personName(user)}</bdi>
        <bdi className="block truncate text-sm text-base-content/70">{note ?? `@${user.username}`}</bdi>
      </span>
      {end}
    </button>
  );
}
