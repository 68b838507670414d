import { Link } from "@tanstack/react-router";
import { Search } from "lucide-react";
import { useState } from "react";
import { cx } from "../../lib/cx.ts";
import { useT } from "../../lib/i18n/i18n.ts";
import type { MessageKey } from "../../lib/i18n/en.ts";
import { errorKey } from "../../sync/error-text.ts";
import { useSearch } from "../../sync/group-queries.ts";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { useSettled } from "../../ui/use-settled.ts";
import { FoundRow } from "./found-row.tsx";

const kinds: readonly { has: string | undefined; label: MessageKey }[] = [
  { has: undefined, label: "search.all" },
  { has: "image,video", label: "files.media" },
  { has: "file", label: "search.files" },
  { has: "link", label: "search.links" },
];

/** Finds what was said in one conversation. */
export function SearchPane({ conversationId }: { conversationId: string }) {
  const t = useT();
  const [text, setText] = useState("");
  const [has, setHas] = useState<string>();
  const query = useSettled(text.trim());
  const asked = query !== "" || has !== undefined;
  const search = useSearch({ text: query, conversationId, has }, asked);
  const found = asked ? (search.data?.pages.flatMap((page) => page.items) ?? []) : [];
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <label className="input mx-3 mt-3 w-auto">
        <Search size={16} aria-hidden="true" />
        <span className="sr-only">{t("search.here")}</span>
        <input
          type="search"
          // The pane is there for searching.
          // eslint-disable-next-line jsx-a11y/no-autofocus
          autoFocus
          value={text}
          placeholder={t("search.here")}
          onChange={(event) => {
            setText(event.target.value);
          }}
        />
      </label>
      <div role="group" aria-label={t("search.kind")} className="flex flex-wrap gap-1 px-3 py-2">
        {kinds.map((kind) => (
          <button
            key={kind.label}
            type="button"
            aria-pressed={has === kind.has}
            className={cx("btn rounded-full btn-xs", has === kind.has && "btn-primary")}
            onClick={() => {
              setHas(kind.has);
            }}
          >
            {t(kind.label)}
          </button>
        ))}
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto px-2 pb-4">
        {!asked && <p className="p-6 text-center text-sm text-base-content/70">{t("search.idle")}</p>}
        {search.isError && (
          <p role="alert" className="p-4 text-center text-sm text-danger">
            {t(errorKey(search.error))}
          </p>
        )}
        {asked && search.isPending && <SkeletonRows count={4} label={t("app.loading")} />}
        <ul aria-label={t("search.results")}>
          {found.map((one) => (
            <li key={one.message.seq}>
              <Link
                to="."
                search={(before) => ({ ...before, at: one.message.seq, find: query === "" ? undefined : query })}
                resetScroll={false}
                className="flex items-start gap-3 rounded-box px-2 py-2 hover:bg-base-200"
              >
                <FoundRow found={one} />
              </Link>
            </li>
          ))}
        </ul>
        {asked && search.isSuccess && found.length === 0 && !search.hasNextPage && (
          <p role="status" className="p-6 text-center text-sm text-base-content/70">
            {t("search.nothing")}
          </p>
        )}
        {asked && search.hasNextPage && (
          <button
            type="button"
            className="btn btn-block btn-ghost btn-sm"
            disabled={search.isFetchingNextPage}
            onClick={() => void search.fetchNextPage()}
          >
            {t("list.more")}
          </button>
        )}
      </div>
    </div>
  );
}
