import { useLocale, useT } from "../../lib/i18n/i18n.ts";
import { foldMarkdown, foldPlaces } from "../../lib/markdown/fold.ts";
import { fullTime, listTime } from "../../lib/time.ts";
import { personName } from "../../sync/naming.ts";
import { previewOf } from "../../sync/preview.ts";
import { useUser } from "../../sync/queries.ts";
import { useEngine } from "../../sync/session-context.ts";
import { Avatar } from "../../ui/avatar.tsx";
import type { Found } from "../../wire/types.ts";
import { excerpt } from "./excerpt.ts";

interface FoundRowProps {
  found: Found;
  /** Where it was said, if that is not plain. */
  place?: string | undefined;
}

/** A message that was found: who, when, and the words around what was looked for. */
export function FoundRow({ found, place }: FoundRowProps) {
  const t = useT();
  const locale = useLocale();
  const { me } = useEngine();
  const { message, highlights } = found;
  const sender = useUser(message.sender_id);
  const folded = foldMarkdown(message.text);
  const name = message.sender_id === me ? t("list.you") : personName(sender);
  return (
    <>
      <Avatar name={personName(sender)} seed={message.sender_id} src={sender?.avatar_url} />
      <span className="min-w-0 flex-1">
        <span className="flex items-baseline gap-2">
          <bdi className="truncate text-sm font-medium">{name}</bdi>
          {place !== undefined && <bdi className="min-w-0 flex-1 truncate text-xs text-base-content/70">{place}</bdi>}
          <time
            dateTime={message.at}
            title={fullTime(message.at, locale)}
            className="ms-auto shrink-0 text-xs text-base-content/70"
          >
            {listTime(message.at, locale, { today: t("time.today"), yesterday: t("time.yesterday") })}
          </time>
        </span>
        <span dir="auto" className="line-clamp-2 text-sm wrap-anywhere text-base-content/80">
          {folded.text === ""
            ? previewOf(message, t)
            : excerpt(folded.text, foldPlaces(folded, highlights)).map((piece, index) =>
                piece.found ? (
                  <mark key={index} className="rounded-sm bg-primary/25 text-base-content">
                    {piece.text}
                  </mark>
                ) : (
                  piece.text
                ),
              )}
        </span>
      </span>
    </>
  );
}
