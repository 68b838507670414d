import { cx } from "../../lib/cx.ts";
import { useT } from "../../lib/i18n/i18n.ts";
import { personName } from "../../sync/naming.ts";
import { Avatar } from "../../ui/avatar.tsx";
import type { Suggestion } from "./use-completion.ts";

interface SuggestionsProps {
  id: string;
  suggestions: readonly Suggestion[];
  selected: number;
  onChoose: (suggestion: Suggestion) => void;
}

/** Above the field: what the word at the caret may become. */
export function Suggestions({ id, suggestions, selected, onChoose }: SuggestionsProps) {
  const t = useT();
  return (
    <div
      id={id}
      role="listbox"
      aria-label={t("composer.suggestions")}
      className="absolute inset-x-2 bottom-full z-20 mb-1 max-h-[min(18rem,max(6rem,calc(var(--app-height,100dvh)-14rem)))] overflow-y-auto rounded-box border border-base-300 bg-base-100 p-1 shadow-lg sm:max-w-sm"
    >
      {suggestions.map((suggestion, index) => (
        // The field keeps the focus and moves the selection: options take none of their own.
        // eslint-disable-next-line jsx-a11y/interactive-supports-focus
        <div
          key={suggestion.key}
          id={`${id}-${String(index)}`}
          role="option"
          aria-selected={index === selected}
          className={cx(
            "flex cursor-pointer items-center gap-3 rounded-field px-2 py-1.5 text-sm pointer-coarse:py-2.5",
            index === selected ? "bg-primary/12" : "hover:bg-base-200",
          )}
          onMouseDown={(event) => {
            event.preventDefault();
            onChoose(suggestion);
          }}
        >
          {suggestion.user ? (
            <Avatar
              name={personName(suggestion.user)}
              seed={suggestion.user.id}
              src={suggestion.user.avatar_url}
              size="sm"
            />
          ) : (
            <span className="w-8 text-center text-xl">{suggestion.emoji}</span>
          )}
          <bdi className="min-w-0 flex-1 truncate font-medium">{suggestion.label}</bdi>
          <bdi className="max-w-1/2 truncate text-xs text-base-content/70">{suggestion.note}</bdi>
        </div>
      ))}
    </div>
  );
}
