import { useMemo, useRef, useState } from "react";
import { useT } from "../lib/i18n/i18n.ts";
import { emojiGroups } from "./emoji-data.ts";
import { recentEmoji, rememberEmoji } from "./emoji-recent.ts";

interface EmojiPickerProps {
  onPick: (emoji: string) => void;
}

const columns = 8;

/** All the emoji, with search and those used last. Loaded when first opened. */
export function EmojiPicker({ onPick }: EmojiPickerProps) {
  const t = useT();
  const [query, setQuery] = useState("");
  const grid = useRef<HTMLDivElement>(null);
  const recent = useMemo(() => recentEmoji().slice(0, 2 * columns), []);
  const words = query.trim().toLowerCase();
  const groups =
    words === ""
      ? [{ id: "recent", emoji: recent.map((emoji) => [emoji, ""] as const) }, ...emojiGroups]
      : [
          {
            id: "found",
            emoji: emojiGroups.flatMap((group) => group.emoji).filter(([, names]) => names.includes(words)),
          },
        ];
  const shown = groups.filter((group) => group.emoji.length > 0);

  const pick = (emoji: string): void => {
    rememberEmoji(emoji);
    onPick(emoji);
  };

  const move = (event: React.KeyboardEvent): void => {
    const all = [...(grid.current?.querySelectorAll("button") ?? [])];
    const now = all.findIndex((button) => button === document.activeElement);
    const steps: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns };
    const step = steps[event.key];
    if (step === undefined || now < 0) return;
    event.preventDefault();
    all[Math.min(all.length - 1, Math.max(0, now + step))]?.focus();
  };

  return (
    <div className="flex h-80 w-80 max-w-[calc(100vw-1rem)] flex-col" aria-label={t("emoji.title")} role="group">
      <input
        className="input input-sm m-2 w-auto"
        type="search"
        value={query}
        placeholder={t("emoji.search")}
        aria-label={t("emoji.search")}
        onChange={(event) => {
          setQuery(event.target.value);
        }}
        onKeyDown={(event) => {
          const first = shown[0]?.emoji[0];
          if (event.key === "Enter" && first) pick(first[0]);
          if (event.key === "ArrowDown") grid.current?.querySelector("button")?.focus();
        }}
      />
      {words === "" && (
        <div role="group" aria-label={t("emoji.groups")} className="flex justify-between px-2 pb-1">
          {emojiGroups.map(({ id, emoji }) => (
            <button
              key={id}
              type="button"
              title={t(`emoji.${id}`)}
              aria-label={t(`emoji.${id}`)}
              className="flex size-8 items-center justify-center rounded-field text-lg hover:bg-base-200"
              onClick={() => {
                grid.current?.querySelector(`[data-group="${id}"]`)?.scrollIntoView({ block: "start" });
              }}
            >
              {emoji[0]?.[0]}
            </button>
          ))}
        </div>
      )}
      {/* Arrow keys move among the buttons, which are reachable by Tab too. */}
      <div ref={grid} role="presentation" className="flex-1 overflow-y-auto px-2 pb-2" onKeyDown={move}>
        {shown.length === 0 && <p className="p-4 text-center text-sm text-base-content/70">{t("emoji.none")}</p>}
        {shown.map((group) => (
          <div key={group.id} data-group={group.id} className="mb-2 border-b border-base-200 pb-2 last:border-0">
            {group.id === "recent" && <p className="px-1 text-xs text-base-content/70">{t("emoji.recent")}</p>}
            <div className="grid grid-cols-8">
              {group.emoji.map(([emoji, names]) => (
                <button
                  key={emoji}
                  type="button"
                  title={names}
                  aria-label={names === "" ? emoji : `${emoji} ${names}`}
                  className="flex aspect-square items-center justify-center rounded-field text-2xl hover:bg-base-200"
                  onClick={() => {
                    pick(emoji);
                  }}
                >
                  {emoji}
                </button>
              ))}
            </div>
          </div>
        ))}
      </div>
    </div>
  );
}
