import { Link } from "@tanstack/react-router";
import { MessagesSquare } from "lucide-react";
import { useT } from "../lib/i18n/i18n.ts";
import { useConversations } from "../sync/queries.ts";
import { EmptyState } from "../ui/empty-state.tsx";

/** Beside the list while nothing is open. */
export function HomeScreen() {
  const t = useT();
  const none = useConversations().data?.length === 0;
  return (
    <div className="h-full bg-base-200">
      <EmptyState
        icon={<MessagesSquare size={28} />}
        title={t("app.name")}
        text={t("list.pick")}
        // An empty list has this button itself.
        action={
          !none && (
            <Link to="/new" className="btn">
              {t("list.new")}
            </Link>
          )
        }
      />
    </div>
  );
}
