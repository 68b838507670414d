import { type KeyboardEvent, useCallback } from "react";
import type { TimelineActions } from "./actions.ts";
import { type MessageRow, type Row, seqOfRow } from "./rows.ts";

function articlesOf(feed: HTMLElement): HTMLElement[] {
  return [...feed.querySelectorAll<HTMLElement>("article")];
}

/** The lowest message that can be seen whole, where the walk begins. */
function lowest(feed: HTMLElement): HTMLElement | undefined {
  const { bottom } = feed.getBoundingClientRect();
  return articlesOf(feed).findLast((article) => article.getBoundingClientRect().bottom <= bottom + 1);
}

function act(key: string, row: MessageRow, article: HTMLElement, actions: TimelineActions, me: string): boolean {
  const { message, pending } = row;
  if (message.deleted_at !== undefined) return false;
  const own = message.sender_id === me;
  const box = article.getBoundingClientRect();
  switch (key) {
    case "Enter":
    case "ContextMenu":
      actions.openMenu(row, { x: box.left + box.width / 2, y: Math.max(box.top, 0) + 8 });
      return true;
    case "Delete":
      if (!own || pending) return false;
      actions.askDelete(row);
      return true;
    case "r":
      if (!pending) actions.reply(message);
      return !pending;
    case "e":
      if (!own || pending) return false;
      actions.edit(message);
      return true;
    case "f":
      if (!pending) actions.forward(message);
      return !pending;
    default:
      return false;
  }
}

/** Arrow keys walk from message to message; on a message, Enter opens its menu, and R, E, F and Delete do what they stand for. */
export function useMessageKeys(
  rows: readonly Row[],
  actions: TimelineActions,
  me: string,
): (event: KeyboardEvent<HTMLElement>) => void {
  return useCallback(
    (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const feed = event.currentTarget;
      const all = articlesOf(feed);
      const now = all.findIndex((article) => article === document.activeElement);
      const article = all[now];
      if (event.key === "ArrowUp" || event.key === "ArrowDown") {
        if (!article && document.activeElement !== feed) return;
        const next = article ? all[now + (event.key === "ArrowUp" ? -1 : 1)] : lowest(feed);
        next?.focus();
        event.preventDefault();
        return;
      }
      if (!article) return;
      const seq = Number(article.dataset["seq"]);
      const row = rows.find((one): one is MessageRow => one.kind === "message" && seqOfRow(one) === seq);
      if (row && act(event.key, row, article, actions, me)) event.preventDefault();
    },
    [rows, actions, me],
  );
}
