import { SmilePlus } from "lucide-react";
import { cx } from "../../lib/cx.ts";
import { useT } from "../../lib/i18n/i18n.ts";
import { useNames } from "../../sync/queries.ts";
import type { Message } from "../../wire/types.ts";
import type { TimelineActions } from "./actions.ts";

interface ChipProps {
  emoji: string;
  users: readonly string[];
  me: string;
  onToggle: (on: boolean) => void;
}

const namedUsers = 8;

function Chip({ emoji, users, me, onToggle }: ChipProps) {
  const t = useT();
  const mine = users.includes(me);
  const names = useNames(users.slice(0, namedUsers)).map((name, index) => (users[index] === me ? t("list.you") : name));
  const more = users.length > namedUsers ? ` +${String(users.length - namedUsers)}` : "";
  const label = t("message.reaction", { emoji, count: users.length, names: names.join(", ") + more });
  return (
    <button
      type="button"
      aria-pressed={mine}
      aria-label={label}
      title={names.join(", ") + more}
      className={cx(
        "flex h-6 items-center gap-1 rounded-full border px-2 text-xs",
        mine ? "border-primary/60 bg-primary/15" : "border-base-300 bg-base-100 hover:border-base-content/30",
      )}
      onClick={() => {
        onToggle(!mine);
      }}
    >
      <span className="text-sm leading-none">{emoji}</span>{" "}
      <span className="font-medium tabular-nums">{users.length}</span>
    </button>
  );
}

interface ReactionsProps {
  message: Message;
  me: string;
  actions: TimelineActions;
}

/** Who felt what about a message; a tap adds or takes back one's own. */
export function Reactions({ message, me, actions }: ReactionsProps) {
  const t = useT();
  // By code point, as the server gives them: the order is the same for everybody and does not jump with the counts.
  const given = Object.entries(message.reactions).sort(([a], [b]) => (a < b ? -1 : 1));
  if (given.length === 0) return null;
  return (
    <div className="mt-1 flex flex-wrap gap-1">
      {given.map(([emoji, users]) => (
        <Chip
          key={emoji}
          emoji={emoji}
          users={users}
          me={me}
          onToggle={(on) => {
            actions.react(message, emoji, on);
          }}
        />
      ))}
      <button
        type="button"
        aria-label={t("message.reaction.add")}
        title={t("message.reaction.add")}
        className="flex h-6 items-center rounded-full px-1.5 text-base-content/70 hover:bg-base-300"
        onClick={(event) => {
          actions.pickEmoji(message, event.currentTarget);
        }}
      >
        <SmilePlus size={15} />
      </button>
    </div>
  );
}
