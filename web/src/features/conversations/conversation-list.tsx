import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { Archive, MessagesSquare } from "lucide-react";
import { type KeyboardEvent, useMemo, useRef, useState } from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import { useT } from "../../lib/i18n/i18n.ts";
import { errorKey } from "../../sync/error-text.ts";
import { useConversations, useHasMoreConversations } from "../../sync/queries.ts";
import { useEngine } from "../../sync/session-context.ts";
import { EmptyState } from "../../ui/empty-state.tsx";
import type { Point } from "../../ui/menu.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { useWayUp } from "../../ui/way-up.tsx";
import type { Conversation } from "../../wire/types.ts";
import { ConversationMenu } from "./conversation-menu.tsx";
import { ConversationRow } from "./conversation-row.tsx";

const rowHeight = 64;
/** How close to the end of the list the next page is asked for, in pixels. */
const nearEnd = 800;

/** The list of conversations; live, last active first. */
export function ConversationList() {
  const t = useT();
  const engine = useEngine();
  const conversations = useConversations();
  const hasMore = useHasMoreConversations();
  const list = useRef<VirtualizerHandle>(null);
  const scroller = useRef<HTMLElement>(null);
  const { id: active } = useParams({ strict: false });
  const [menu, setMenu] = useState<{ conversation: Conversation; at: Point }>();
  const navigate = useNavigate();
  const goUp = useWayUp();
  const inArchive = useSearch({ strict: false, select: (search) => search.archive === true });
  const shown = useMemo(
    () => (conversations.data ?? []).filter((one) => (one.archived ?? false) === inArchive),
    [conversations.data, inArchive],
  );
  const archived = (conversations.data ?? []).filter((one) => one.archived).length;
  const onMenu = useMemo(
    () => (conversation: Conversation, at: Point) => {
      setMenu({ conversation, at });
    },
    [],
  );

  const move = (event: KeyboardEvent): void => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const links = [...(scroller.current?.querySelectorAll("a") ?? [])];
    const now = links.findIndex((link) => link === document.activeElement);
    if (now < 0) return;
    event.preventDefault();
    links[now + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
  };

  if (conversations.isError && !conversations.data) {
    return (
      <div className="p-6 text-center">
        <p className="mb-3 text-sm">
          {t("list.failed")} {t(errorKey(conversations.error))}
        </p>
        <button type="button" className="btn btn-sm" onClick={() => void conversations.refetch()}>
          {t("app.tryAgain")}
        </button>
      </div>
    );
  }
  if (!conversations.data) return <SkeletonRows count={9} label={t("app.loading")} />;
  if (conversations.data.length === 0) {
    return (
      <EmptyState
        icon={<MessagesSquare size={28} />}
        title={t("list.empty.title")}
        text={t("list.empty.text")}
        action={
          <Link to="/new" className="btn btn-primary">
            {t("list.empty.action")}
          </Link>
        }
      />
    );
  }
  return (
    // Arrow keys move among links that Tab reaches too.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <nav ref={scroller} aria-label={t("list.title")} className="min-h-0 flex-1 overflow-y-auto py-1" onKeyDown={move}>
      {(archived > 0 || inArchive) && (
        <button
          type="button"
          aria-pressed={inArchive}
          className="mx-2 mb-1 flex w-[calc(100%-1rem)] items-center gap-3 rounded-box px-2 py-1.5 text-sm text-base-content/80 hover:bg-base-200"
          onClick={() => {
            if (inArchive) goUp({ to: ".", search: (before) => ({ ...before, archive: undefined }) });
            else void navigate({ to: ".", search: (before) => ({ ...before, archive: true as const }) });
          }}
        >
          <span className="flex w-12 justify-center">
            <Archive size={18} aria-hidden="true" />
          </span>
          {inArchive ? t("list.backToAll") : t("list.archived", { count: archived })}
        </button>
      )}
      <Virtualizer
        ref={list}
        itemSize={rowHeight}
        data={shown}
        onScroll={(offset) => {
          const view = list.current;
          if (hasMore && view && offset + view.viewportSize + nearEnd > view.scrollSize) {
            void engine.loadMoreConversations().catch(() => undefined);
          }
        }}
      >
        {(conversation) => (
          <ConversationRow
            key={conversation.id}
            conversation={conversation}
            me={engine.me}
            active={conversation.id === active}
            onMenu={onMenu}
          />
        )}
      </Virtualizer>
      {menu && (
        <ConversationMenu
          conversation={menu.conversation}
          at={menu.at}
          onClose={() => {
            setMenu(undefined);
          }}
        />
      )}
    </nav>
  );
}
