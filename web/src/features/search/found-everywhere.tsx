import { Link } from "@tanstack/react-router";
import { useT } from "../../lib/i18n/i18n.ts";
import { useSearch } from "../../sync/group-queries.ts";
import { conversationName } from "../../sync/naming.ts";
import { useConversations } from "../../sync/queries.ts";
import { useEngine } from "../../sync/session-context.ts";
import { useSettled } from "../../ui/use-settled.ts";
import { FoundRow } from "./found-row.tsx";

const leastLength = 2;

/** Messages in all conversations that hold a text, below what the switcher finds by name. */
export function FoundEverywhere({ text, onGo }: { text: string; onGo: () => void }) {
  const t = useT();
  const { me } = useEngine();
  const query = useSettled(text.trim());
  const asked = query.length >= leastLength;
  const search = useSearch({ text: query }, asked);
  const conversations = useConversations().data ?? [];
  const found = asked ? (search.data?.pages.flatMap((page) => page.items) ?? []) : [];
  if (found.length === 0) return null;
  const placeOf = (id: string): string | undefined => {
    const conversation = conversations.find((one) => one.id === id);
    return conversation && conversationName(conversation, me, t("self.title"));
  };
  return (
    <section aria-label={t("search.results")} className="max-h-64 overflow-y-auto border-t border-base-300 p-2">
      <h3 className="px-2 pb-1 text-xs font-semibold text-base-content/70">{t("search.messages")}</h3>
      <ul>
        {found.map((one) => (
          <li key={`${one.message.conversation_id}-${String(one.message.seq)}`}>
            <Link
              to="/c/$id"
              params={{ id: one.message.conversation_id }}
              search={{ at: one.message.seq, find: query }}
              className="flex items-start gap-3 rounded-field px-2 py-2 hover:bg-base-200"
              onClick={onGo}
            >
              <FoundRow found={one} place={placeOf(one.message.conversation_id)} />
            </Link>
          </li>
        ))}
      </ul>
      {search.hasNextPage && (
        <button
          type="button"
          className="btn btn-block btn-ghost btn-sm"
          disabled={search.isFetchingNextPage}
          onClick={() => void search.fetchNextPage()}
        >
          {t("list.more")}
        </button>
      )}
    </section>
  );
}
