import { useNavigate, useParams } from "@tanstack/react-router";
import { useConversations } from "../sync/queries.ts";
import { useKeydown } from "../ui/use-keydown.ts";

interface Shortcuts {
  onSwitcher: () => void;
  onSheet: () => void;
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

/** The keys that work anywhere. */
export function useShortcuts({ onSwitcher, onSheet }: Shortcuts): void {
  const navigate = useNavigate();
  const { id } = useParams({ strict: false });
  const conversations = useConversations().data;

  const onKeyDown = (event: KeyboardEvent): void => {
    const mod = event.ctrlKey || event.metaKey;
    if (mod && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      onSwitcher();
    } else if (event.key === "?" && !mod && !event.altKey && !isTyping(event.target)) {
      event.preventDefault();
      onSheet();
    } else if (event.altKey && !mod && (event.key === "ArrowUp" || event.key === "ArrowDown") && conversations) {
      const now = conversations.findIndex((conversation) => conversation.id === id);
      const next = conversations[now < 0 ? 0 : now + (event.key === "ArrowUp" ? -1 : 1)];
      if (!next || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      void navigate({ to: "/c/$id", params: { id: next.id }, search: {} });
    }
  };
  useKeydown(onKeyDown);
}
