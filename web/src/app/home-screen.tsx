import { MessagesSquare } from "lucide-react";
import { useT } from "../lib/i18n/i18n.ts";
import { EmptyState } from "../ui/empty-state.tsx";

/** Beside the list while nothing is open. */
export function HomeScreen() {
  const t = useT();
  return (
    <div className="h-full bg-base-200">
      <EmptyState icon={<MessagesSquare size={28} />} title={t("app.name")} text={t("list.pick")} />
    </div>
  );
}
