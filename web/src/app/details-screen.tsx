import { useNavigate } from "@tanstack/react-router";
import { GroupDetails } from "../features/details/group-details.tsx";
import { PersonDetails } from "../features/details/person-details.tsx";
import { AddMembers } from "../features/people/add-members.tsx";
import { cx } from "../lib/cx.ts";
import { useT } from "../lib/i18n/i18n.ts";
import { PaneHeader } from "../ui/pane-header.tsx";
import type { Conversation } from "../wire/types.ts";
import { usePaneWidth } from "./pane-divider.tsx";

interface DetailsProps {
  conversation: Conversation;
  page: "details" | "add";
  /** Beside the messages instead of in their place. */
  wide: boolean;
}

/** The pane beside a conversation: who takes part, and what one can change about it. */
export function DetailsScreen({ conversation, page, wide }: DetailsProps) {
  const t = useT();
  const navigate = useNavigate({ from: "/c/$id" });
  const width = usePaneWidth("details");
  const adding = page === "add" && conversation.kind !== "direct";
  const title = adding ? t("details.add") : t("details.title");
  return (
    <aside
      aria-label={title}
      style={wide ? { width } : undefined}
      className={cx("flex h-full flex-col bg-base-100", wide ? "shrink-0" : "w-full")}
    >
      <PaneHeader
        title={title}
        closes={wide && !adding}
        backLabel={adding || !wide ? t("app.back") : t("app.close")}
        back={{ to: ".", search: (before) => ({ ...before, info: adding ? ("details" as const) : undefined }) }}
      />
      {adding ? (
        <AddMembers
          conversationId={conversation.id}
          onDone={() => void navigate({ search: (before) => ({ ...before, info: "details" }) })}
        />
      ) : (
        <div className="min-h-0 flex-1 overflow-y-auto">
          {conversation.kind === "direct" ? (
            <PersonDetails conversation={conversation} />
          ) : (
            <GroupDetails key={conversation.id} conversation={conversation} />
          )}
        </div>
      )}
    </aside>
  );
}
