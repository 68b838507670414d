import { NewChat } from "../features/people/new-chat.tsx";
import { NewGroup } from "../features/people/new-group.tsx";
import { useT } from "../lib/i18n/i18n.ts";
import { PaneHeader } from "../ui/pane-header.tsx";

export function NewChatScreen() {
  const t = useT();
  return (
    <div className="flex h-full flex-col">
      <PaneHeader title={t("new.title")} back={{ to: "/" }} backLabel={t("app.back")} />
      <div className="mx-auto flex min-h-0 w-full max-w-xl flex-1 flex-col">
        <NewChat />
      </div>
    </div>
  );
}

export function NewGroupScreen() {
  const t = useT();
  return (
    <div className="flex h-full flex-col">
      <PaneHeader title={t("new.group.title")} back={{ to: "/new" }} backLabel={t("app.back")} />
      <div className="mx-auto flex min-h-0 w-full max-w-xl flex-1 flex-col">
        <NewGroup />
      </div>
    </div>
  );
}
