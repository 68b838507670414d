import { Search } from "lucide-react";
import { type ReactNode, useDeferredValue, useState } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import { errorKey } from "../../sync/error-text.ts";
import { usePeople } from "../../sync/queries.ts";
import { useEngine } from "../../sync/session-context.ts";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { useSettled } from "../../ui/use-settled.ts";
import type { User } from "../../wire/types.ts";

interface PeopleSearchProps {
  /** Draws one person that was found. */
  row: (user: User) => ReactNode;
  /** Shown while nothing is typed. */
  idle?: ReactNode;
  /** Something before it is to be filled in first. */
  later?: boolean;
}

/** Finds people by name or username. */
export function PeopleSearch({ row, idle, later = false }: PeopleSearchProps) {
  const t = useT();
  const { me } = useEngine();
  const [text, setText] = useState("");
  const query = useDeferredValue(useSettled(text.trim()));
  const people = usePeople(query);
  const found = people.data?.filter((user) => user.id !== me);
  return (
    <>
      <label className="input mx-3 my-2 w-auto">
        <Search size={16} aria-hidden="true" />
        <span className="sr-only">{t("new.search")}</span>
        <input
          type="search"
          // The page is there for searching.
          // eslint-disable-next-line jsx-a11y/no-autofocus
          autoFocus={!later}
          value={text}
          placeholder={t("new.search")}
          autoCapitalize="none"
          spellCheck={false}
          onChange={(event) => {
            setText(event.target.value);
          }}
        />
      </label>
      <div className="min-h-0 flex-1 overflow-y-auto px-2 pb-4">
        {query === "" && idle}
        {people.isError && (
          <p role="alert" className="p-4 text-center text-sm text-danger">
            {t("new.failed")} {t(errorKey(people.error))}
          </p>
        )}
        {people.isPending && <SkeletonRows count={4} label={t("app.loading")} />}
        {found?.map((user) => (
          <div key={user.id}>{row(user)}</div>
        ))}
        {found?.length === 0 && (
          <p role="status" className="p-6 text-center text-sm text-base-content/70">
            {query === "" ? t("new.type") : t("new.nobody", { query })}
          </p>
        )}
      </div>
    </>
  );
}
