/**
 * The shapes of what the server sends and takes. Times are RFC 3339 UTC with
 * milliseconds, ids are UUID strings, `seq` is a positive integer below 2^53.
 */

export type ConversationKind = "direct" | "group" | "channel";
export type Role = "owner" | "admin" | "member";

export interface User {
  id: string;
  username: string;
  display_name: string;
  bio?: string;
  avatar_id?: string;
  avatar_url?: string;
  created_at?: string;
}

export interface Limits {
  /** Bytes of UTF-8 in one message. */
  text_bytes: number;
  /** Files in one message. */
  attachments: number;
  /** Bytes in one file. */
  attachment_bytes: number;
  /** Bytes in one realtime frame. */
  frame_bytes: number;
}

export interface Me extends User {
  email?: string;
  settings: Record<string, unknown>;
  limits?: Limits;
}

export interface Session {
  id: string;
  created_at: string;
  seen_at: string;
  expires_at: string;
  user_agent: string;
  address: string;
  current: boolean;
}

export interface Attachment {
  id: string;
  name: string;
  size: number;
  mime: string;
  width?: number;
  height?: number;
  thumb?: boolean;
  url?: string;
}

interface EntryBase {
  conversation_id: string;
  seq: number;
  at: string;
  sender_id: string;
  client_id?: string;
}

export interface CreatedEntry extends EntryBase {
  kind: "created";
  conversation_kind: ConversationKind;
  title: string;
  user_ids: string[];
}
export interface MessageEntry extends EntryBase {
  kind: "message";
  client_id: string;
  ordinal: number;
  text: string;
  reply_to?: number;
  attachments: Attachment[];
  redacted?: boolean;
}
export interface EditEntry extends EntryBase {
  kind: "edit";
  target: number;
  text: string;
  redacted?: boolean;
}
export interface DeleteEntry extends EntryBase {
  kind: "delete";
  target: number;
}
export interface ReactionEntry extends EntryBase {
  kind: "reaction";
  target: number;
  emoji: string;
  on: boolean;
}
export interface MemberAddedEntry extends EntryBase {
  kind: "member_added";
  user_ids: string[];
  role: Role;
}
export interface MemberRemovedEntry extends EntryBase {
  kind: "member_removed";
  user_ids: string[];
}
export interface RoleEntry extends EntryBase {
  kind: "role";
  user_ids: string[];
  role: Role;
}
export interface UpdatedEntry extends EntryBase {
  kind: "updated";
  title: string;
  avatar_id?: string;
}

/** What changes a message that was said before. */
export type ModifierEntry = EditEntry | DeleteEntry | ReactionEntry;
/** What is told as a line of its own. */
export type SystemEntry = CreatedEntry | MemberAddedEntry | MemberRemovedEntry | RoleEntry | UpdatedEntry;
/** One committed fact of a conversation's log. Clients skip kinds that they do not know. */
export type Entry = MessageEntry | ModifierEntry | SystemEntry;

/** A message with its later edits, deletion and reactions folded in. */
export interface Message {
  conversation_id: string;
  seq: number;
  at: string;
  sender_id: string;
  kind: "message";
  client_id: string;
  ordinal: number;
  text: string;
  reply_to?: number;
  attachments: Attachment[];
  edited_at?: string;
  deleted_at?: string;
  /** Who gave each emoji. */
  reactions: Record<string, string[]>;
}

export interface MemberReceipt {
  user_id: string;
  delivered_seq: number;
  read_seq: number;
}
export interface Receipt extends MemberReceipt {
  conversation_id: string;
}

export interface Conversation {
  id: string;
  kind: ConversationKind;
  title: string;
  avatar_id?: string;
  created_by: string;
  created_at: string;
  active_at: string;
  members_count: number;
  role: Role;
  /** The first seq that this person may see. */
  visible_from: number;
  last_seq: number;
  /** Messages ever sent: the ordinal of the last one. */
  messages: number;
  delivered_seq: number;
  read_seq: number;
  unread: number;
  last_entry: Entry | null;
  last_message: Message | null;
  peer: User | null;
  receipts: MemberReceipt[];
}

export interface Member {
  user: User;
  role: Role;
  visible_from: number;
  joined_at: string;
}

export interface Head {
  conversation_id: string;
  last_seq: number;
  delivered_seq?: number;
  read_seq?: number;
  unread?: number;
}

export interface Presence {
  user_id: string;
  online: boolean;
  last_seen_at?: string | null;
}

export interface Typing {
  conversation_id: string;
  user_id: string;
  on: boolean;
}

export interface Ready {
  user: User;
  cursor: string;
  heads_changed: Head[];
  server_time?: string;
}

export interface ConversationGone {
  id: string;
  gone: true;
}

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}
export interface MessagePage extends Page<Message> {
  has_before: boolean;
  has_after: boolean;
}
export interface EntryPage extends Page<Entry> {
  head: number;
}
export interface SyncAnswer {
  conversations: Head[];
  gone: string[];
  cursor: string;
}
export interface ReceiptsAnswer {
  delivered: { user_id: string }[];
  seen: { user_id: string }[];
  delivered_count: number;
  seen_count: number;
}

export interface SendRequest {
  conversation_id: string;
  client_id: string;
  text: string;
  reply_to?: number;
  attachments?: string[];
}
