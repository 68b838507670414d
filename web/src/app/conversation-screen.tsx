import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { Images, MessageCircleX, Search, Video } from "lucide-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { Composer } from "../features/composer/composer.tsx";
import { CallButtons, useCallChoice } from "../features/call/call-buttons.tsx";
import { CannotSend } from "../features/composer/cannot-send.tsx";
import { MoreButton } from "../features/conversations/more-button.tsx";
import { noFilters } from "../features/search/filters.ts";
import { ConversationHeader } from "../features/timeline/conversation-header.tsx";
import { MessageList } from "../features/timeline/message-list.tsx";
import { PinnedBar } from "../features/timeline/pinned-bar.tsx";
import { TypingLine } from "../features/timeline/typing-line.tsx";
import { useT } from "../lib/i18n/i18n.ts";
import { useConversation } from "../sync/queries.ts";
import { EmptyState } from "../ui/empty-state.tsx";
import type { MenuItem } from "../ui/menu.tsx";
import { SkeletonConversation, SkeletonRows } from "../ui/skeleton.tsx";
import { useMedia } from "../ui/use-media.ts";
import { useWayUp } from "../ui/way-up.tsx";
import type { Message } from "../wire/types.ts";
import { Broken } from "./broken.tsx";
import { LineNote } from "./line-banner.tsx";
import type { InfoPage } from "./router.tsx";
import { PaneDivider, usePaneWidth } from "./pane-divider.tsx";

const Details = lazy(async () => ({ default: (await import("./details-screen.tsx")).DetailsScreen }));
const ForwardDialog = lazy(async () => ({
  default: (await import("../features/forward/forward-dialog.tsx")).ForwardDialog,
}));
const Lightbox = lazy(async () => ({ default: (await import("../features/timeline/lightbox.tsx")).Lightbox }));

/** Escape closes what is open beside the messages, then the conversation. */
function useEscape(close: () => void): void {
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      // An open dialog, menu or popover has the first word.
      if (event.key !== "Escape" || event.defaultPrevented) return;
      if (document.querySelector("dialog[open], [role=menu], [role=dialog]")) return;
      close();
    };
    window.addEventListener("keydown", listen);
    return () => {
      window.removeEventListener("keydown", listen);
    };
  }, [close]);
}

export function ConversationScreen() {
  const t = useT();
  const { id } = useParams({ from: "/shell/c/$id" });
  const { at, info, photo, find } = useSearch({ from: "/shell/c/$id" });
  const navigate = useNavigate({ from: "/c/$id" });
  const goUp = useWayUp();
  const here = { to: "/c/$id", params: { id } } as const;
  const conversation = useConversation(id);
  const [forwarding, setForwarding] = useState<Message>();
  const detailsWidth = usePaneWidth("details");
  const listBeside = useMedia("(min-width: 768px)");
  const callChoice = useCallChoice(conversation);
  const roomForDetails = useMedia("(min-width: 1100px)");
  useEscape(() => {
    if (info) goUp({ ...here, search: (before) => ({ ...before, ...noFilters, info: undefined }) });
    else goUp({ to: "/" });
  });

  if (conversation === null) {
    return (
      <EmptyState
        icon={<MessageCircleX size={28} />}
        title={t("chat.notFound.title")}
        text={t("chat.notFound.text")}
        action={
          <Link to="/" className="btn btn-primary">
            {t("app.home")}
          </Link>
        }
      />
    );
  }
  if (conversation === undefined) return <SkeletonConversation label={t("app.loading")} />;
  const show = (page: InfoPage): void => void navigate({ search: (before) => ({ ...before, info: page }) });
  const goTo = (seq: number): void =>
    void navigate({ search: (before) => ({ ...before, at: seq, find: undefined }), resetScroll: false });
  const menu: MenuItem[] = [
    ...(!listBeside && callChoice
      ? [
          {
            label: t("call.video"),
            icon: <Video size={16} />,
            onSelect: () => {
              callChoice.call(true);
            },
          },
        ]
      : []),
    {
      label: t("search.title"),
      icon: <Search size={16} />,
      onSelect: () => {
        show("search");
      },
    },
    {
      label: t("files.title"),
      icon: <Images size={16} />,
      onSelect: () => {
        show("files");
      },
    },
  ];
  const showChat = roomForDetails || !info;
  return (
    <div className="flex h-full">
      {showChat && (
        <div className="relative flex min-w-0 flex-1 flex-col bg-base-200">
          <ConversationHeader
            conversation={conversation}
            detailsOpen={info !== undefined}
            calls={<CallButtons conversation={conversation} />}
            end={<MoreButton conversation={conversation} first={menu} />}
          />
          <PinnedBar
            key={`pins-${id}`}
            conversation={conversation}
            onJump={goTo}
            onAll={() => {
              show("pins");
            }}
          />
          <Broken resetKey={id}>
            <MessageList
              key={id}
              conversation={conversation}
              at={at}
              find={find}
              onForward={setForwarding}
              onAddress={(seq) =>
                void navigate({
                  search: (before) => ({ ...before, at: seq, find: undefined }),
                  replace: seq === undefined,
                  resetScroll: false,
                })
              }
            />
          </Broken>
          <div className="relative">
            <TypingLine conversationId={id} />
            {/* Without a line nobody is known to type: on a phone the place is free. */}
            {!listBeside && <LineNote small />}
          </div>
          {conversation.blocking || conversation.blocked ? (
            <CannotSend conversation={conversation} />
          ) : (
            <Composer key={id} conversationId={id} />
          )}
        </div>
      )}
      {info && roomForDetails && <PaneDivider pane="details" />}
      {info && (
        <Suspense
          fallback={
            <div style={{ width: roomForDetails ? detailsWidth : "100%" }} className="shrink-0 bg-base-100 pt-14">
              <SkeletonRows count={6} label={t("app.loading")} />
            </div>
          }
        >
          <Details conversation={conversation} page={info} wide={roomForDetails} />
        </Suspense>
      )}
      {forwarding && (
        <Suspense>
          <ForwardDialog
            message={forwarding}
            onClose={() => {
              setForwarding(undefined);
            }}
          />
        </Suspense>
      )}
      {photo !== undefined && (
        <Suspense>
          <Lightbox
            conversationId={id}
            fileId={photo}
            onShow={(next) =>
              void navigate({ search: (before) => ({ ...before, photo: next }), replace: true, resetScroll: false })
            }
            onClose={() => {
              goUp({ ...here, search: (before) => ({ ...before, photo: undefined }), resetScroll: false });
            }}
          />
        </Suspense>
      )}
    </div>
  );
}
