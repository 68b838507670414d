import { useNavigate, useSearch } from "@tanstack/react-router";
import { GroupDetails } from "../features/details/group-details.tsx";
import { Invites } from "../features/details/invites.tsx";
import { PersonDetails } from "../features/details/person-details.tsx";
import { PinList } from "../features/details/pin-list.tsx";
import { SharedFiles } from "../features/details/shared-files.tsx";
import { AddMembers } from "../features/people/add-members.tsx";
import { noFilters, readFilters } from "../features/search/filters.ts";
import { SearchPane } from "../features/search/search-pane.tsx";
import { cx } from "../lib/cx.ts";
import { useT } from "../lib/i18n/i18n.ts";
import type { MessageKey } from "../lib/i18n/en.ts";
import { PaneHeader } from "../ui/pane-header.tsx";
import { useWayUp } from "../ui/way-up.tsx";
import type { Conversation } from "../wire/types.ts";
import { usePaneWidth } from "./pane-divider.tsx";
import type { InfoPage } from "./router.tsx";

interface DetailsProps {
  conversation: Conversation;
  page: InfoPage;
  /** Beside the messages instead of in their place. */
  wide: boolean;
}

const titles: Record<InfoPage, MessageKey> = {
  details: "details.title",
  add: "details.add",
  files: "files.title",
  pins: "pins.all.title",
  invites: "invite.title",
  search: "search.title",
};

function Page({ conversation, page, wide }: DetailsProps) {
  const navigate = useNavigate({ from: "/c/$id" });
  const search = useSearch({ from: "/shell/c/$id" });
  const goUp = useWayUp();
  switch (page) {
    case "add":
      return (
        <AddMembers
          conversationId={conversation.id}
          onDone={() => {
            goUp({
              to: "/c/$id",
              params: { id: conversation.id },
              search: (before) => ({ ...before, info: "details" as const }),
            });
          }}
        />
      );
    case "files":
      return <SharedFiles conversationId={conversation.id} beside={wide} />;
    case "pins":
      return <PinList conversation={conversation} beside={wide} />;
    case "invites":
      return <Invites conversationId={conversation.id} />;
    case "search":
      return (
        <SearchPane
          key={conversation.id}
          conversationId={conversation.id}
          filters={readFilters({ ...search })}
          onFilters={(change) =>
            void navigate({ search: (before) => ({ ...before, ...change }), replace: true, resetScroll: false })
          }
          beside={wide}
        />
      );
    case "details":
      return (
        <div className="min-h-0 flex-1 overflow-y-auto">
          {conversation.kind === "direct" ? (
            <PersonDetails conversation={conversation} />
          ) : (
            <GroupDetails key={conversation.id} conversation={conversation} />
          )}
        </div>
      );
  }
}

/** The pane beside a conversation: who takes part, what was shared, and what one can change about it. */
export function DetailsScreen({ conversation, page, wide }: DetailsProps) {
  const t = useT();
  const width = usePaneWidth("details");
  // What only groups have is not there for two.
  const shown = conversation.kind === "direct" && (page === "add" || page === "invites") ? "details" : page;
  const inner = shown !== "details" && shown !== "search";
  const title = t(titles[shown]);
  return (
    <aside
      aria-label={title}
      style={wide ? { width } : undefined}
      className={cx("flex h-full flex-col bg-base-100", wide ? "shrink-0" : "w-full")}
    >
      <PaneHeader
        title={title}
        closes={wide && !inner}
        backLabel={inner || !wide ? t("app.back") : t("app.close")}
        back={{
          to: ".",
          search: (before) => ({ ...before, ...noFilters, info: inner ? ("details" as const) : undefined }),
        }}
      />
      <Page conversation={conversation} page={shown} wide={wide} />
    </aside>
  );
}
