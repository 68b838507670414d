import { Search, SlidersHorizontal } from "lucide-react";
import { useEffect, useId, useRef, useState } from "react";
import { cx } from "../../lib/cx.ts";
import type { MessageKey } from "../../lib/i18n/en.ts";
import { useT } from "../../lib/i18n/i18n.ts";
import type { kinds, SearchFilters } from "./filters.ts";
import { PersonFilter } from "./person-filter.tsx";

const pauseMs = 250;

const labels: Record<(typeof kinds)[number], MessageKey> = {
  "image,video": "files.media",
  audio: "files.audio",
  file: "search.files",
  link: "search.links",
};

interface SearchFormProps {
  conversationId: string;
  filters: SearchFilters;
  onChange: (change: SearchFilters) => void;
}

/** The words: told after a pause in the typing, and from the address when one comes back to another. */
function Words({ q = "", onChange }: { q: string | undefined; onChange: (q: string) => void }) {
  const t = useT();
  const input = useRef<HTMLInputElement>(null);
  const told = useRef(q);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    if (q === told.current) return;
    told.current = q;
    clearTimeout(timer.current);
    if (input.current) input.current.value = q;
  }, [q]);
  useEffect(
    () => () => {
      clearTimeout(timer.current);
    },
    [],
  );
  return (
    <label className="input mx-3 mt-3 w-auto">
      <Search size={16} aria-hidden="true" />
      <span className="sr-only">{t("search.here")}</span>
      <input
        ref={input}
        type="search"
        // The pane is there for searching.
        // eslint-disable-next-line jsx-a11y/no-autofocus
        autoFocus
        defaultValue={q}
        placeholder={t("search.here")}
        onChange={(event) => {
          const words = event.target.value.trim();
          clearTimeout(timer.current);
          timer.current = setTimeout(() => {
            told.current = words;
            onChange(words);
          }, pauseMs);
        }}
      />
    </label>
  );
}

/** What is looked for: words, a kind, a person, days. */
export function SearchForm({ conversationId, filters, onChange }: SearchFormProps) {
  const t = useT();
  const id = useId();
  const { q, has, by, since, until } = filters;
  const filtered = by !== undefined || since !== undefined || until !== undefined;
  const [open, setOpen] = useState(filtered);
  const date = (label: MessageKey, name: "since" | "until", value: string | undefined) => (
    <label className="flex min-w-0 flex-1 flex-col text-xs text-base-content/70">
      {t(label)}
      <input
        type="date"
        value={value ?? ""}
        min={name === "until" ? since : undefined}
        max={name === "since" ? until : undefined}
        className="input w-full px-2 text-base-content input-sm"
        onChange={(event) => {
          onChange({ [name]: event.target.value || undefined });
        }}
      />
    </label>
  );
  return (
    <>
      <Words
        q={q}
        onChange={(words) => {
          onChange({ q: words || undefined });
        }}
      />
      <div role="group" aria-label={t("search.kind")} className="flex flex-wrap gap-1 px-3 py-2">
        {([undefined, ...Object.keys(labels)] as (keyof typeof labels | undefined)[]).map((kind) => (
          <button
            key={kind ?? "all"}
            type="button"
            aria-pressed={has === kind}
            className={cx("btn rounded-full btn-xs", has === kind && "btn-primary")}
            onClick={() => {
              onChange({ has: kind });
            }}
          >
            {t(kind ? labels[kind] : "search.all")}
          </button>
        ))}
        <button
          type="button"
          aria-expanded={open}
          aria-controls={id}
          className={cx("btn rounded-full btn-xs", filtered && "btn-primary")}
          onClick={() => {
            setOpen(!open);
          }}
        >
          <SlidersHorizontal size={12} aria-hidden="true" />
          {t("search.filters")}
        </button>
      </div>
      <div id={id} hidden={!open} className="space-y-2 px-3 pb-2">
        {open && (
          <>
            <PersonFilter
              conversationId={conversationId}
              by={by}
              onChange={(person) => {
                onChange({ by: person });
              }}
            />
            <div className="flex gap-2">
              {date("search.since", "since", since)}
              {date("search.until", "until", until)}
            </div>
          </>
        )}
      </div>
    </>
  );
}
