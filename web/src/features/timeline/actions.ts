import type { Message } from "../../wire/types.ts";
import type { Point } from "../../ui/menu.tsx";
import type { MessageRow } from "./rows.ts";

/** What can be done with a message of the timeline. The object is stable: rows are drawn again only when they change. */
export interface TimelineActions {
  reply: (message: Message) => void;
  edit: (message: Message) => void;
  react: (message: Message, emoji: string, on: boolean) => void;
  pickEmoji: (message: Message, near: Element) => void;
  openMenu: (row: MessageRow, at: Point) => void;
  askDelete: (row: MessageRow) => void;
  showSeenBy: (message: Message) => void;
  pin: (message: Message, on: boolean) => void;
  forward: (message: Message) => void;
  jumpTo: (seq: number) => void;
  retry: (clientId: string) => void;
  cancel: (clientId: string) => void;
}
