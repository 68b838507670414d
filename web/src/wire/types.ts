/**
 * The shapes of what the server sends and takes: those of the realtime events
 * are generated from the server's own (events.gen.ts), here are those that
 * only REST knows. Times are RFC 3339 UTC with milliseconds, ids are UUID
 * strings, `seq` is a positive integer below 2^53.
 */
import type * as gen from "./events.gen.ts";

export type {
  Attachment,
  Call,
  CallEntry,
  CallPresent,
  CallSignalled,
  ConversationGone,
  Entry,
  ICE,
  Me,
  MessageEntry,
  Presence,
  Receipt,
  Role,
  Typing,
  User,
} from "./events.gen.ts";

/** What changes a message that was said before. */
export type ModifierEntry = gen.EditEntry | gen.DeleteEntry | gen.ReactionEntry | gen.PinEntry;
/** What is told as a line of its own. */
export type SystemEntry =
  | gen.CreatedEntry
  | gen.MemberAddedEntry
  | gen.MemberRemovedEntry
  | gen.RoleEntry
  | gen.UpdatedEntry
  | gen.PinEntry
  | gen.CallEntry;

/** A message with its later edits, deletion and reactions folded in. */
export interface Message extends Omit<gen.Message, "kind"> {
  kind: "message";
}

export type MemberReceipt = gen.ReceiptMark;

export interface Conversation extends Omit<gen.Conversation, "last_message"> {
  last_message: Message | null;
}

/** Where a conversation stands; the server leaves out what it need not tell. */
export type Head = Pick<gen.Head, "conversation_id" | "last_seq"> & Partial<gen.Head>;

export interface Session {
  id: string;
  created_at: string;
  seen_at: string;
  expires_at: string;
  user_agent: string;
  address: string;
  current: boolean;
}

export interface Member {
  user: gen.User;
  role: gen.Role;
  visible_from: number;
  joined_at: string;
}

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}
export interface MessagePage extends Page<Message> {
  has_before: boolean;
  has_after: boolean;
}
export interface EntryPage extends Page<gen.Entry> {
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

/** Which messages of a conversation are told. */
export type NotifyLevel = "all" | "mentions" | "none";

/** A message that was looked for; the places are UTF-16 offsets into its text. */
export interface Found {
  message: Message;
  highlights: { start: number; end: number }[];
}
export interface SharedFile {
  attachment: gen.Attachment;
  seq: number;
  sender_id: string;
  at: string;
}
export interface Blocked {
  user: gen.User;
  at: string;
}
export interface Invite {
  id: string;
  conversation_id: string;
  created_by: gen.User;
  created_at: string;
  expires_at: string | null;
  /** 0: as many as like. */
  max_uses: number;
  uses: number;
}
/** The address is told once only. */
export interface FreshInvite extends Invite {
  token: string;
  url: string;
}
export interface InvitePreview {
  conversation_id: string;
  kind: gen.ConversationKind;
  title: string;
  avatar_url?: string;
  members_count: number;
  /** One is in it already. */
  member: boolean;
}

/** A device that is told of messages while no page is open. */
export interface PushSubscriptionInfo {
  id: string;
  /** Whose service passes the notifications on. */
  host: string;
  user_agent: string;
  /** Whether a notification tells who writes what. */
  content: boolean;
  current: boolean;
  created_at: string;
  last_success_at: string | null;
  last_failure_at: string | null;
  failure: string;
}
