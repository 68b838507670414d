import { Link } from "@tanstack/react-router";
import { useT } from "../../lib/i18n/i18n.ts";
import { errorKey } from "../../sync/error-text.ts";
import { useSearch } from "../../sync/group-queries.ts";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { beginOf, type SearchFilters } from "./filters.ts";
import { FoundRow } from "./found-row.tsx";
import { SearchForm } from "./search-form.tsx";

interface SearchPaneProps {
  conversationId: string;
  filters: SearchFilters;
  onFilters: (change: SearchFilters) => void;
  /** The messages stand beside it; else they take its place. */
  beside: boolean;
}

/** Finds what was said in one conversation. */
export function SearchPane({ conversationId, filters, onFilters, beside }: SearchPaneProps) {
  const t = useT();
  const { q: query = "", has, by, since, until } = filters;
  const asked = Object.values(filters).some((one) => one !== undefined);
  const search = useSearch(
    { text: query, conversationId, has, from: by, after: beginOf(since), before: beginOf(until, 1) },
    asked,
  );
  const found = asked ? (search.data?.pages.flatMap((page) => page.items) ?? []) : [];
  const find = query === "" ? undefined : query;
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <SearchForm conversationId={conversationId} filters={filters} onChange={onFilters} />
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
                search={(before) => (beside ? { ...before, at: one.message.seq, find } : { at: one.message.seq, find })}
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
