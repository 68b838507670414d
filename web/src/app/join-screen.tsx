import { useState } from "react";
import { JoinCard } from "../features/join/join-card.tsx";
import { useT } from "../lib/i18n/i18n.ts";
import { forgetJoinToken, joinToken } from "../lib/pending-join.ts";
import { PaneHeader } from "../ui/pane-header.tsx";

/** An invitation that somebody followed. */
export function JoinScreen() {
  const t = useT();
  const [token] = useState(joinToken);
  return (
    <div className="flex h-full flex-col">
      <PaneHeader title={t("join.title")} back={{ to: "/" }} backLabel={t("app.back")} />
      <div className="min-h-0 flex-1 overflow-y-auto">
        <JoinCard token={token} onDone={forgetJoinToken} />
      </div>
    </div>
  );
}
