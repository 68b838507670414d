// Code generated from internal/wire by go generate. DO NOT EDIT.

export type ConversationId = string;

export type Seq = number;

export type Timestamp = string;

export type UserId = string;

export type EntryKind = "created" | "message" | "edit" | "delete" | "reaction" | "member_added" | "member_removed" | "role" | "updated" | "pin" | "block" | "call";

export type ConversationKind = "direct" | "group" | "channel";

export type FileId = string;

export interface CreatedEntry {
  conversation_id: ConversationId;
  /** place in the conversation's log, from 1 without a gap */
  seq: Seq;
  at: Timestamp;
  sender_id: UserId;
  kind: "created";
  conversation_kind: ConversationKind;
  title: string;
  /** absent: none */
  avatar_id?: FileId;
  /** the first members */
  user_ids: UserId[];
}

export interface EntryAttachment {
  id: FileId;
  name: string;
  size: number;
  mime: string;
  width?: number;
  height?: number;
  thumb?: boolean;
}

export interface MessageEntry {
  conversation_id: ConversationId;
  /** place in the conversation's log, from 1 without a gap */
  seq: Seq;
  at: Timestamp;
  sender_id: UserId;
  kind: "message";
  client_id?: string;
  /** number among the conversation's messages, from 1 */
  ordinal: number;
  text: string;
  reply_to?: Seq;
  attachments: EntryAttachment[];
  /** members who are to be told; absent: none */
  mentions?: UserId[];
  /** the message was deleted; its text and files are gone */
  redacted?: boolean;
}

export interface EditEntry {
  conversation_id: ConversationId;
  /** place in the conversation's log, from 1 without a gap */
  seq: Seq;
  at: Timestamp;
  sender_id: UserId;
  kind: "edit";
  /** the message */
  target: Seq;
  text: string;
  /** the message was deleted later */
  redacted?: boolean;
}

export interface DeleteEntry {
  conversation_id: ConversationId;
  /** place in the conversation's log, from 1 without a gap */
  seq: Seq;
  at: Timestamp;
  sender_id: UserId;
  kind: "delete";
  /** the message */
  target: Seq;
}

export interface ReactionEntry {
  conversation_id: ConversationId;
  /** place in the conversation's log, from 1 without a gap */
  seq: Seq;
  at: Timestamp;
  sender_id: UserId;
  kind: "reaction";
  /** the message */
  target: Seq;
  emoji: string;
  on: boolean;
}

export type Role = "owner" | "admin" | "member";

export interface MemberAddedEntry {
  conversation_id: ConversationId;
  /** place in the conversation's log, from 1 without a gap */
  seq: Seq;
  at: Timestamp;
  sender_id: UserId;
  kind: "member_added";
  user_ids: UserId[];
  role: Role;
}

export interface MemberRemovedEntry {
  conversation_id: ConversationId;
  /** place in the conversation's log, from 1 without a gap */
  seq: Seq;
  at: Timestamp;
  sender_id: UserId;
  kind: "member_removed";
  user_ids: UserId[];
}

export interface RoleEntry {
  conversation_id: ConversationId;
  /** place in the conversation's log, from 1 without a gap */
  seq: Seq;
  at: Timestamp;
  sender_id: UserId;
  kind: "role";
  user_ids: UserId[];
  role: Role;
}

export interface UpdatedEntry {
  conversation_id: ConversationId;
  /** place in the conversation's log, from 1 without a gap */
  seq: Seq;
  at: Timestamp;
  sender_id: UserId;
  kind: "updated";
  title: string;
  /** absent: none */
  avatar_id?: FileId;
}

export interface PinEntry {
  conversation_id: ConversationId;
  /** place in the conversation's log, from 1 without a gap */
  seq: Seq;
  at: Timestamp;
  sender_id: UserId;
  kind: "pin";
  /** the message */
  target: Seq;
  on: boolean;
}

export interface BlockEntry {
  conversation_id: ConversationId;
  /** place in the conversation's log, from 1 without a gap */
  seq: Seq;
  at: Timestamp;
  sender_id: UserId;
  kind: "block";
  on: boolean;
}

export type CallOutcome = "answered" | "missed" | "declined" | "busy" | "failed";

export interface CallSummary {
  video: boolean;
  outcome: CallOutcome;
  duration_ms: number;
}

export interface CallEntry {
  conversation_id: ConversationId;
  /** place in the conversation's log, from 1 without a gap */
  seq: Seq;
  at: Timestamp;
  sender_id: UserId;
  kind: "call";
  /** the id of the call */
  client_id: string;
  /** who took part, in the order in which they came; nobody if it was not answered */
  user_ids: UserId[];
  call: CallSummary;
}

export type Entry = CreatedEntry | MessageEntry | EditEntry | DeleteEntry | ReactionEntry | MemberAddedEntry | MemberRemovedEntry | RoleEntry | UpdatedEntry | PinEntry | BlockEntry | CallEntry;

export interface Attachment {
  id: FileId;
  name: string;
  /** bytes */
  size: number;
  mime: string;
  /** pixels, for images */
  width?: number;
  /** pixels, for images */
  height?: number;
  /** a thumbnail can be fetched: url + ?thumb=1 */
  thumb?: boolean;
  /** a path on this server */
  url?: string;
}

export type AttachmentRef = FileId | Attachment;

export interface MessageSend {
  conversation_id: ConversationId;
  /** idempotency key, at most 64 bytes; use a UUID */
  client_id: string;
  /** at most 16 KiB of UTF-8; may be empty when there are attachments */
  text?: string;
  /** seq of the message that is answered */
  reply_to?: Seq;
  /** at most 10 own uploads */
  attachments?: AttachmentRef[];
  /** at most 50 people who are to be told; the server keeps those who are members */
  mentions?: UserId[];
}

export interface SendAnswer {
  entry: Entry;
  /** the message had been sent before; the entry is the first one */
  repeated?: boolean;
}

export interface MessageEdit {
  conversation_id: ConversationId;
  /** of the message */
  seq: Seq;
  /** at most 16 KiB of UTF-8 */
  text: string;
}

export interface EntryAnswer {
  /** null when there was nothing to change */
  entry: Entry | null;
}

export interface MessageDelete {
  conversation_id: ConversationId;
  /** of the message */
  seq: Seq;
}

export interface ReactionSet {
  conversation_id: ConversationId;
  /** of the message */
  seq: Seq;
  /** at most 64 bytes */
  emoji: string;
  on: boolean;
}

export interface ReceiptSet {
  conversation_id: ConversationId;
  /** the last entry that was received or seen */
  seq: Seq;
}

export interface Receipt {
  conversation_id: ConversationId;
  user_id: UserId;
  delivered_seq: Seq;
  read_seq: Seq;
}

export interface TypingSet {
  conversation_id: ConversationId;
  on: boolean;
}

export interface Empty {
}

export interface PresenceWatch {
  /** at most 500 */
  user_ids: UserId[];
}

export interface Presence {
  user_id: UserId;
  online: boolean;
  /** null while it is unknown or hidden */
  last_seen_at: Timestamp | null;
}

export interface WatchAnswer {
  presence: Presence[];
}

export interface EntriesAfter {
  conversation_id: ConversationId;
  /** the last entry that is known; 0 is the start */
  seq: Seq;
  /** 1 to 1000; 200 when absent */
  limit?: number;
}

export interface EntriesAnswer {
  entries: Entry[];
  /** the last seq of the conversation; ask again while entries end before it */
  head: Seq;
}

export interface Attention {
  /** somebody looks at this client and has used it lately */
  on: boolean;
}

export type CallId = string;

export type DeviceId = string;

export interface CallStart {
  conversation_id: ConversationId;
  /** a UUID that the client makes for this call */
  call_id: CallId;
  /** a UUID that the client makes for itself and keeps while it runs */
  device_id: DeviceId;
  /** with a camera */
  video?: boolean;
}

export type CallState = "ringing" | "live" | "ended";

export interface CallPresent {
  user_id: UserId;
  device_id: DeviceId;
  /** its camera is on */
  video: boolean;
}

export interface Call {
  id: CallId;
  conversation_id: ConversationId;
  caller_id: UserId;
  /** started with a camera */
  video: boolean;
  state: CallState;
  /** grows with every change: what has a smaller one than what is known is old */
  version: number;
  started_at: Timestamp;
  answered_at?: Timestamp;
  ended_at?: Timestamp;
  /** present once it has ended */
  outcome?: CallOutcome;
  /** who is called and has not answered */
  ringing: UserId[];
  /** the devices in the call; the caller's is the first */
  participants: CallPresent[];
}

export interface ICEServer {
  urls: string[];
  username?: string;
  credential?: string;
}

export interface ICE {
  /** empty: host candidates only */
  servers: ICEServer[];
  /** of the credentials; ask again by call.answer */
  expires_at?: Timestamp;
}

export interface CallJoined {
  call: Call;
  /** present when the device that asks is in the call */
  ice?: ICE;
}

export interface CallAnswer {
  conversation_id: ConversationId;
  call_id: CallId;
  device_id: DeviceId;
  /** false declines */
  accept: boolean;
  /** declined because this person is in another call */
  busy?: boolean;
  /** with a camera */
  video?: boolean;
}

export interface CallSignal {
  conversation_id: ConversationId;
  call_id: CallId;
  /** the sender's */
  device_id: DeviceId;
  /** the receiver's */
  to: DeviceId;
  /** an object of at most 64 KiB with type offer, answer, candidate, renegotiate or state; offer and answer have sdp, candidate has candidate */
  signal: Record<string, unknown>;
}

export interface CallUpdate {
  conversation_id: ConversationId;
  call_id: CallId;
  device_id: DeviceId;
  /** the camera is on */
  video: boolean;
}

export interface CallChanged {
  call: Call;
}

export interface CallEnd {
  conversation_id: ConversationId;
  call_id: CallId;
  device_id: DeviceId;
}

export interface CallsAnswer {
  /** that ring for this person, or that they are in or could join */
  calls: Call[];
}

export interface Limits {
  /** of a message's text, in bytes of UTF-8 */
  text_bytes: number;
  /** of a message */
  attachments: number;
  /** of each file */
  attachment_bytes: number;
  /** of a realtime packet */
  frame_bytes: number;
  /** of a message */
  mentions?: number;
  /** of a conversation, in code points */
  title_chars?: number;
  /** in code points */
  display_name_chars?: number;
  /** in code points */
  bio_chars?: number;
  /** of the upload of a profile's picture */
  avatar_bytes?: number;
  group_members?: number;
  /** of what is looked for, in bytes of UTF-8 */
  search_bytes?: number;
  /** of a conversation */
  pins?: number;
}

export interface Me {
  id: UserId;
  username: string;
  display_name: string;
  bio: string;
  avatar_id?: FileId;
  /** a path on this server */
  avatar_url?: string;
  created_at: Timestamp;
  email?: string;
  /** an object that belongs to the clients */
  settings: Record<string, unknown>;
  limits: Limits;
}

export interface Head {
  conversation_id: ConversationId;
  last_seq: Seq;
  delivered_seq: Seq;
  read_seq: Seq;
  unread: number;
  mentions?: number;
}

export interface Ready {
  user: Me;
  /** give it as auth.cursor when connecting again, or to GET /api/v1/sync */
  cursor: string;
  /** conversations that moved since auth.cursor; empty without one */
  heads_changed: Head[];
  /** conversations that one left, or was removed from, since auth.cursor */
  gone?: ConversationId[];
  server_time: Timestamp;
}

export interface Typing {
  conversation_id: ConversationId;
  user_id: UserId;
  on: boolean;
}

export interface Message {
  conversation_id: ConversationId;
  seq: Seq;
  at: Timestamp;
  sender_id: UserId;
  kind: EntryKind;
  client_id: string;
  /** number among the conversation's messages */
  ordinal: number;
  text: string;
  reply_to?: Seq;
  attachments: Attachment[];
  /** members who are to be told */
  mentions?: UserId[];
  edited_at?: Timestamp;
  deleted_at?: Timestamp;
  pinned_at?: Timestamp;
  /** by emoji */
  reactions: Record<string, UserId[]>;
}

export interface User {
  id: UserId;
  username: string;
  display_name: string;
  bio: string;
  avatar_id?: FileId;
  /** a path on this server */
  avatar_url?: string;
  created_at: Timestamp;
}

export interface ReceiptMark {
  user_id: UserId;
  delivered_seq: Seq;
  read_seq: Seq;
}

export interface Conversation {
  id: ConversationId;
  kind: ConversationKind;
  /** of a direct conversation: the other person's name */
  title: string;
  avatar_id?: FileId;
  /** a path on this server */
  avatar_url?: string;
  created_by: UserId;
  created_at: Timestamp;
  /** time of the last message, or of the creation */
  active_at: Timestamp;
  members_count: number;
  role: Role;
  /** the first entry that the reader may see */
  visible_from: Seq;
  last_seq: Seq;
  /** ordinal of the last message */
  messages: number;
  delivered_seq: Seq;
  read_seq: Seq;
  unread: number;
  /** unread messages that mention the reader */
  mentions?: number;
  /** absent: not muted */
  muted_until?: Timestamp;
  /** absent: all */
  notify?: string;
  pinned?: boolean;
  archived?: boolean;
  /** of a direct conversation: the reader blocks the peer */
  blocking?: boolean;
  /** of a direct conversation: the peer blocks the reader */
  blocked?: boolean;
  /** pinned messages */
  pins?: number;
  last_entry: Entry | null;
  last_message: Message | null;
  /** the other person of a direct conversation */
  peer: User | null;
  /** of the other members; empty above 100 members */
  receipts: ReceiptMark[];
}

export interface ConversationGone {
  id: ConversationId;
  /** always true */
  gone: boolean;
}

export interface Profile {
  user: Me;
}

export interface Block {
  user_id: UserId;
  on: boolean;
}

export interface Reconnect {
  /** milliseconds to wait before connecting again */
  after_ms: number;
}

export interface CallSignalled {
  conversation_id: ConversationId;
  call_id: CallId;
  from: DeviceId;
  /** whose device that is */
  user_id: UserId;
  to: DeviceId;
  signal: Record<string, unknown>;
}

export interface Connect {
  /** a session token; absent when the session cookie is sent */
  token?: string;
  /** the cursor of the last ready or sync */
  cursor?: string;
}

export type ErrorCode = "invalid" | "unauthenticated" | "forbidden" | "not_found" | "conflict" | "too_large" | "rate_limited" | "overloaded" | "unavailable" | "internal";

export interface WireError {
  code: ErrorCode;
  message: string;
  /** narrows the code down */
  reason?: string;
  retry_after_ms?: number;
  /** what is wrong with each faulty field */
  fields?: Record<string, string>;
}

/** The answer to every client event. */
export type Ack<T> = { ok: true; data: T } | { ok: false; error: WireError };

/** What a client may send, and the data of its acknowledgement. */
export interface ClientEvents {
  /** Send a message. */
  "message.send": { payload: MessageSend; answer: SendAnswer };
  /** Give one's own message a new text. */
  "message.edit": { payload: MessageEdit; answer: EntryAnswer };
  /** Delete a message for everyone. */
  "message.delete": { payload: MessageDelete; answer: EntryAnswer };
  /** Give or take back one's own reaction. */
  "reaction.set": { payload: ReactionSet; answer: EntryAnswer };
  /** A device of this person has the conversation up to seq. */
  "conversation.delivered": { payload: ReceiptSet; answer: Receipt };
  /** This person has seen the conversation up to seq. */
  "conversation.read": { payload: ReceiptSet; answer: Receipt };
  /** This person types, or stopped. */
  "typing": { payload: TypingSet; answer: Empty };
  /** Watch these people's presence, and no others': their presence now, changes as events. */
  "presence.watch": { payload: PresenceWatch; answer: WatchAnswer };
  /** Read the log after a seq. */
  "entries.after": { payload: EntriesAfter; answer: EntriesAnswer };
  /** Somebody looks at this client, or does no longer: while nobody looks at any, notifications are pushed. */
  "attention": { payload: Attention; answer: Empty };
  /** Call the other members; where a call is under way already, the answer is that one. */
  "call.start": { payload: CallStart; answer: CallJoined };
  /** Join a call, come back into it, or decline it. */
  "call.answer": { payload: CallAnswer; answer: CallJoined };
  /** Tell another device in the call something about the connection to it. */
  "call.signal": { payload: CallSignal; answer: Empty };
  /** The camera was switched on or off. */
  "call.update": { payload: CallUpdate; answer: CallChanged };
  /** Hang up: ends a call of two, and leaves one of several. */
  "call.end": { payload: CallEnd; answer: CallChanged };
  /** The calls under way that concern this person; to ask after every ready. */
  "call.list": { payload: Empty; answer: CallsAnswer };
}

/** What the server sends. */
export interface ServerEvents {
  /** The first event: who one is, and what moved meanwhile. */
  "ready": Ready;
  /** One log entry, in order for each conversation. */
  "entry": Entry;
  /** How far a member has got; of oneself, from another device, too. */
  "receipt": Receipt;
  /** A member types, or stopped. */
  "typing": Typing;
  /** Somebody who is watched came or went. */
  "presence": Presence;
  /** A conversation is new to this person, changed for them, or gone. */
  "conversation": Conversation | ConversationGone;
  /** One's own account changed. */
  "profile": Profile;
  /** On another device one has blocked somebody, or does so no longer. */
  "block": Block;
  /** Live delivery may have a hole: call sync. */
  "resync": Empty;
  /** This node stops: connect again after a pause. */
  "reconnect": Reconnect;
  /** The session has ended; the server disconnects. */
  "session.revoked": Empty;
  /** Somebody calls, or one's own other device does. */
  "call.ringing": CallChanged;
  /** Something of a call changed: somebody joined, left, declined, or switched the camera. */
  "call.answered": CallChanged;
  /** Another device in the call has something to tell about the connection to it; only that device gets it. */
  "call.signal": CallSignalled;
  /** A call has ended, for good. */
  "call.ended": CallChanged;
}

export const limits = {
  frameBytes: 131072,
  watched: 500,
  entriesAfter: 1000,
  callRingMs: 45000,
  callLeaseMs: 27000,
  callParticipants: 8,
  callMembers: 32,
  signalBytes: 65536,
} as const;

type Shape =
  | "string"
  | "integer"
  | "boolean"
  | "object"
  | { name: string }
  | { is: readonly string[] }
  | { items: Shape }
  | { values: Shape }
  | { oneOf: readonly Shape[] }
  | { nullable: Shape }
  | { fields: Record<string, Shape>; optional: readonly string[] };

const shapes: Record<string, Shape> = {
  ConversationId: "string",
  Seq: "integer",
  Timestamp: "string",
  UserId: "string",
  EntryKind: { is: ["created", "message", "edit", "delete", "reaction", "member_added", "member_removed", "role", "updated", "pin", "block", "call"] },
  ConversationKind: { is: ["direct", "group", "channel"] },
  FileId: "string",
  CreatedEntry: { fields: { conversation_id: { name: "ConversationId" }, seq: { name: "Seq" }, at: { name: "Timestamp" }, sender_id: { name: "UserId" }, kind: { is: ["created"] }, conversation_kind: { name: "ConversationKind" }, title: "string", avatar_id: { name: "FileId" }, user_ids: { items: { name: "UserId" } } }, optional: ["avatar_id"] },
  EntryAttachment: { fields: { id: { name: "FileId" }, name: "string", size: "integer", mime: "string", width: "integer", height: "integer", thumb: "boolean" }, optional: ["width", "height", "thumb"] },
  MessageEntry: { fields: { conversation_id: { name: "ConversationId" }, seq: { name: "Seq" }, at: { name: "Timestamp" }, sender_id: { name: "UserId" }, kind: { is: ["message"] }, client_id: "string", ordinal: "integer", text: "string", reply_to: { name: "Seq" }, attachments: { items: { name: "EntryAttachment" } }, mentions: { items: { name: "UserId" } }, redacted: "boolean" }, optional: ["client_id", "reply_to", "mentions", "redacted"] },
  EditEntry: { fields: { conversation_id: { name: "ConversationId" }, seq: { name: "Seq" }, at: { name: "Timestamp" }, sender_id: { name: "UserId" }, kind: { is: ["edit"] }, target: { name: "Seq" }, text: "string", redacted: "boolean" }, optional: ["redacted"] },
  DeleteEntry: { fields: { conversation_id: { name: "ConversationId" }, seq: { name: "Seq" }, at: { name: "Timestamp" }, sender_id: { name: "UserId" }, kind: { is: ["delete"] }, target: { name: "Seq" } }, optional: [] },
  ReactionEntry: { fields: { conversation_id: { name: "ConversationId" }, seq: { name: "Seq" }, at: { name: "Timestamp" }, sender_id: { name: "UserId" }, kind: { is: ["reaction"] }, target: { name: "Seq" }, emoji: "string", on: "boolean" }, optional: [] },
  Role: { is: ["owner", "admin", "member"] },
  MemberAddedEntry: { fields: { conversation_id: { name: "ConversationId" }, seq: { name: "Seq" }, at: { name: "Timestamp" }, sender_id: { name: "UserId" }, kind: { is: ["member_added"] }, user_ids: { items: { name: "UserId" } }, role: { name: "Role" } }, optional: [] },
  MemberRemovedEntry: { fields: { conversation_id: { name: "ConversationId" }, seq: { name: "Seq" }, at: { name: "Timestamp" }, sender_id: { name: "UserId" }, kind: { is: ["member_removed"] }, user_ids: { items: { name: "UserId" } } }, optional: [] },
  RoleEntry: { fields: { conversation_id: { name: "ConversationId" }, seq: { name: "Seq" }, at: { name: "Timestamp" }, sender_id: { name: "UserId" }, kind: { is: ["role"] }, user_ids: { items: { name: "UserId" } }, role: { name: "Role" } }, optional: [] },
  UpdatedEntry: { fields: { conversation_id: { name: "ConversationId" }, seq: { name: "Seq" }, at: { name: "Timestamp" }, sender_id: { name: "UserId" }, kind: { is: ["updated"] }, title: "string", avatar_id: { name: "FileId" } }, optional: ["avatar_id"] },
  PinEntry: { fields: { conversation_id: { name: "ConversationId" }, seq: { name: "Seq" }, at: { name: "Timestamp" }, sender_id: { name: "UserId" }, kind: { is: ["pin"] }, target: { name: "Seq" }, on: "boolean" }, optional: [] },
  BlockEntry: { fields: { conversation_id: { name: "ConversationId" }, seq: { name: "Seq" }, at: { name: "Timestamp" }, sender_id: { name: "UserId" }, kind: { is: ["block"] }, on: "boolean" }, optional: [] },
  CallOutcome: { is: ["answered", "missed", "declined", "busy", "failed"] },
  CallSummary: { fields: { video: "boolean", outcome: { name: "CallOutcome" }, duration_ms: "integer" }, optional: [] },
  CallEntry: { fields: { conversation_id: { name: "ConversationId" }, seq: { name: "Seq" }, at: { name: "Timestamp" }, sender_id: { name: "UserId" }, kind: { is: ["call"] }, client_id: "string", user_ids: { items: { name: "UserId" } }, call: { name: "CallSummary" } }, optional: [] },
  Entry: { oneOf: [{ name: "CreatedEntry" }, { name: "MessageEntry" }, { name: "EditEntry" }, { name: "DeleteEntry" }, { name: "ReactionEntry" }, { name: "MemberAddedEntry" }, { name: "MemberRemovedEntry" }, { name: "RoleEntry" }, { name: "UpdatedEntry" }, { name: "PinEntry" }, { name: "BlockEntry" }, { name: "CallEntry" }] },
  Attachment: { fields: { id: { name: "FileId" }, name: "string", size: "integer", mime: "string", width: "integer", height: "integer", thumb: "boolean", url: "string" }, optional: ["width", "height", "thumb", "url"] },
  AttachmentRef: { oneOf: [{ name: "FileId" }, { name: "Attachment" }] },
  MessageSend: { fields: { conversation_id: { name: "ConversationId" }, client_id: "string", text: "string", reply_to: { name: "Seq" }, attachments: { items: { name: "AttachmentRef" } }, mentions: { items: { name: "UserId" } } }, optional: ["text", "reply_to", "attachments", "mentions"] },
  SendAnswer: { fields: { entry: { name: "Entry" }, repeated: "boolean" }, optional: ["repeated"] },
  MessageEdit: { fields: { conversation_id: { name: "ConversationId" }, seq: { name: "Seq" }, text: "string" }, optional: [] },
  EntryAnswer: { fields: { entry: { nullable: { name: "Entry" } } }, optional: [] },
  MessageDelete: { fields: { conversation_id: { name: "ConversationId" }, seq: { name: "Seq" } }, optional: [] },
  ReactionSet: { fields: { conversation_id: { name: "ConversationId" }, seq: { name: "Seq" }, emoji: "string", on: "boolean" }, optional: [] },
  ReceiptSet: { fields: { conversation_id: { name: "ConversationId" }, seq: { name: "Seq" } }, optional: [] },
  Receipt: { fields: { conversation_id: { name: "ConversationId" }, user_id: { name: "UserId" }, delivered_seq: { name: "Seq" }, read_seq: { name: "Seq" } }, optional: [] },
  TypingSet: { fields: { conversation_id: { name: "ConversationId" }, on: "boolean" }, optional: [] },
  Empty: { fields: {  }, optional: [] },
  PresenceWatch: { fields: { user_ids: { items: { name: "UserId" } } }, optional: [] },
  Presence: { fields: { user_id: { name: "UserId" }, online: "boolean", last_seen_at: { nullable: { name: "Timestamp" } } }, optional: [] },
  WatchAnswer: { fields: { presence: { items: { name: "Presence" } } }, optional: [] },
  EntriesAfter: { fields: { conversation_id: { name: "ConversationId" }, seq: { name: "Seq" }, limit: "integer" }, optional: ["limit"] },
  EntriesAnswer: { fields: { entries: { items: { name: "Entry" } }, head: { name: "Seq" } }, optional: [] },
  Attention: { fields: { on: "boolean" }, optional: [] },
  CallId: "string",
  DeviceId: "string",
  CallStart: { fields: { conversation_id: { name: "ConversationId" }, call_id: { name: "CallId" }, device_id: { name: "DeviceId" }, video: "boolean" }, optional: ["video"] },
  CallState: { is: ["ringing", "live", "ended"] },
  CallPresent: { fields: { user_id: { name: "UserId" }, device_id: { name: "DeviceId" }, video: "boolean" }, optional: [] },
  Call: { fields: { id: { name: "CallId" }, conversation_id: { name: "ConversationId" }, caller_id: { name: "UserId" }, video: "boolean", state: { name: "CallState" }, version: "integer", started_at: { name: "Timestamp" }, answered_at: { name: "Timestamp" }, ended_at: { name: "Timestamp" }, outcome: { name: "CallOutcome" }, ringing: { items: { name: "UserId" } }, participants: { items: { name: "CallPresent" } } }, optional: ["answered_at", "ended_at", "outcome"] },
  ICEServer: { fields: { urls: { items: "string" }, username: "string", credential: "string" }, optional: ["username", "credential"] },
  ICE: { fields: { servers: { items: { name: "ICEServer" } }, expires_at: { name: "Timestamp" } }, optional: ["expires_at"] },
  CallJoined: { fields: { call: { name: "Call" }, ice: { name: "ICE" } }, optional: ["ice"] },
  CallAnswer: { fields: { conversation_id: { name: "ConversationId" }, call_id: { name: "CallId" }, device_id: { name: "DeviceId" }, accept: "boolean", busy: "boolean", video: "boolean" }, optional: ["busy", "video"] },
  CallSignal: { fields: { conversation_id: { name: "ConversationId" }, call_id: { name: "CallId" }, device_id: { name: "DeviceId" }, to: { name: "DeviceId" }, signal: "object" }, optional: [] },
  CallUpdate: { fields: { conversation_id: { name: "ConversationId" }, call_id: { name: "CallId" }, device_id: { name: "DeviceId" }, video: "boolean" }, optional: [] },
  CallChanged: { fields: { call: { name: "Call" } }, optional: [] },
  CallEnd: { fields: { conversation_id: { name: "ConversationId" }, call_id: { name: "CallId" }, device_id: { name: "DeviceId" } }, optional: [] },
  CallsAnswer: { fields: { calls: { items: { name: "Call" } } }, optional: [] },
  Limits: { fields: { text_bytes: "integer", attachments: "integer", attachment_bytes: "integer", frame_bytes: "integer", mentions: "integer", title_chars: "integer", display_name_chars: "integer", bio_chars: "integer", avatar_bytes: "integer", group_members: "integer", search_bytes: "integer", pins: "integer" }, optional: ["mentions", "title_chars", "display_name_chars", "bio_chars", "avatar_bytes", "group_members", "search_bytes", "pins"] },
  Me: { fields: { id: { name: "UserId" }, username: "string", display_name: "string", bio: "string", avatar_id: { name: "FileId" }, avatar_url: "string", created_at: { name: "Timestamp" }, email: "string", settings: "object", limits: { name: "Limits" } }, optional: ["avatar_id", "avatar_url", "email"] },
  Head: { fields: { conversation_id: { name: "ConversationId" }, last_seq: { name: "Seq" }, delivered_seq: { name: "Seq" }, read_seq: { name: "Seq" }, unread: "integer", mentions: "integer" }, optional: ["mentions"] },
  Ready: { fields: { user: { name: "Me" }, cursor: "string", heads_changed: { items: { name: "Head" } }, gone: { items: { name: "ConversationId" } }, server_time: { name: "Timestamp" } }, optional: ["gone"] },
  Typing: { fields: { conversation_id: { name: "ConversationId" }, user_id: { name: "UserId" }, on: "boolean" }, optional: [] },
  Message: { fields: { conversation_id: { name: "ConversationId" }, seq: { name: "Seq" }, at: { name: "Timestamp" }, sender_id: { name: "UserId" }, kind: { name: "EntryKind" }, client_id: "string", ordinal: "integer", text: "string", reply_to: { name: "Seq" }, attachments: { items: { name: "Attachment" } }, mentions: { items: { name: "UserId" } }, edited_at: { name: "Timestamp" }, deleted_at: { name: "Timestamp" }, pinned_at: { name: "Timestamp" }, reactions: { values: { items: { name: "UserId" } } } }, optional: ["reply_to", "mentions", "edited_at", "deleted_at", "pinned_at"] },
  User: { fields: { id: { name: "UserId" }, username: "string", display_name: "string", bio: "string", avatar_id: { name: "FileId" }, avatar_url: "string", created_at: { name: "Timestamp" } }, optional: ["avatar_id", "avatar_url"] },
  ReceiptMark: { fields: { user_id: { name: "UserId" }, delivered_seq: { name: "Seq" }, read_seq: { name: "Seq" } }, optional: [] },
  Conversation: { fields: { id: { name: "ConversationId" }, kind: { name: "ConversationKind" }, title: "string", avatar_id: { name: "FileId" }, avatar_url: "string", created_by: { name: "UserId" }, created_at: { name: "Timestamp" }, active_at: { name: "Timestamp" }, members_count: "integer", role: { name: "Role" }, visible_from: { name: "Seq" }, last_seq: { name: "Seq" }, messages: "integer", delivered_seq: { name: "Seq" }, read_seq: { name: "Seq" }, unread: "integer", mentions: "integer", muted_until: { name: "Timestamp" }, notify: "string", pinned: "boolean", archived: "boolean", blocking: "boolean", blocked: "boolean", pins: "integer", last_entry: { nullable: { name: "Entry" } }, last_message: { nullable: { name: "Message" } }, peer: { nullable: { name: "User" } }, receipts: { items: { name: "ReceiptMark" } } }, optional: ["avatar_id", "avatar_url", "mentions", "muted_until", "notify", "pinned", "archived", "blocking", "blocked", "pins"] },
  ConversationGone: { fields: { id: { name: "ConversationId" }, gone: "boolean" }, optional: [] },
  Profile: { fields: { user: { name: "Me" } }, optional: [] },
  Block: { fields: { user_id: { name: "UserId" }, on: "boolean" }, optional: [] },
  Reconnect: { fields: { after_ms: "integer" }, optional: [] },
  CallSignalled: { fields: { conversation_id: { name: "ConversationId" }, call_id: { name: "CallId" }, from: { name: "DeviceId" }, user_id: { name: "UserId" }, to: { name: "DeviceId" }, signal: "object" }, optional: [] },
  Connect: { fields: { token: "string", cursor: "string" }, optional: ["token", "cursor"] },
  ErrorCode: { is: ["invalid", "unauthenticated", "forbidden", "not_found", "conflict", "too_large", "rate_limited", "overloaded", "unavailable", "internal"] },
  WireError: { fields: { code: { name: "ErrorCode" }, message: "string", reason: "string", retry_after_ms: "integer", fields: { values: "string" } }, optional: ["reason", "retry_after_ms", "fields"] },
};

const serverEventShapes: Record<string, Shape> = {
  "ready": { name: "Ready" },
  "entry": { name: "Entry" },
  "receipt": { name: "Receipt" },
  "typing": { name: "Typing" },
  "presence": { name: "Presence" },
  "conversation": { oneOf: [{ name: "Conversation" }, { name: "ConversationGone" }] },
  "profile": { name: "Profile" },
  "block": { name: "Block" },
  "resync": { name: "Empty" },
  "reconnect": { name: "Reconnect" },
  "session.revoked": { name: "Empty" },
  "call.ringing": { name: "CallChanged" },
  "call.answered": { name: "CallChanged" },
  "call.signal": { name: "CallSignalled" },
  "call.ended": { name: "CallChanged" },
};

const clientEventShapes: Record<string, Shape> = {
  "message.send": { name: "MessageSend" },
  "message.edit": { name: "MessageEdit" },
  "message.delete": { name: "MessageDelete" },
  "reaction.set": { name: "ReactionSet" },
  "conversation.delivered": { name: "ReceiptSet" },
  "conversation.read": { name: "ReceiptSet" },
  "typing": { name: "TypingSet" },
  "presence.watch": { name: "PresenceWatch" },
  "entries.after": { name: "EntriesAfter" },
  "attention": { name: "Attention" },
  "call.start": { name: "CallStart" },
  "call.answer": { name: "CallAnswer" },
  "call.signal": { name: "CallSignal" },
  "call.update": { name: "CallUpdate" },
  "call.end": { name: "CallEnd" },
  "call.list": { name: "Empty" },
};

const answerShapes: Record<string, Shape> = {
  "message.send": { name: "SendAnswer" },
  "message.edit": { name: "EntryAnswer" },
  "message.delete": { name: "EntryAnswer" },
  "reaction.set": { name: "EntryAnswer" },
  "conversation.delivered": { name: "Receipt" },
  "conversation.read": { name: "Receipt" },
  "typing": { name: "Empty" },
  "presence.watch": { name: "WatchAnswer" },
  "entries.after": { name: "EntriesAnswer" },
  "attention": { name: "Empty" },
  "call.start": { name: "CallJoined" },
  "call.answer": { name: "CallJoined" },
  "call.signal": { name: "Empty" },
  "call.update": { name: "CallChanged" },
  "call.end": { name: "CallChanged" },
  "call.list": { name: "CallsAnswer" },
};

/** Says what is wrong with a value, or null. Fields that are not known are no fault. */
function fault(value: unknown, shape: Shape, path: string): string | null {
  if (typeof shape === "string") {
    const ok =
      shape === "integer"
        ? Number.isSafeInteger(value)
        : shape === "object"
          ? typeof value === "object" && value !== null && !Array.isArray(value)
          : typeof value === shape;
    return ok ? null : `${path} is not of type ${shape}`;
  }
  if ("name" in shape) {
    const named = shapes[shape.name];
    return named ? fault(value, named, path) : `${path} has the unknown type ${shape.name}`;
  }
  if ("is" in shape) {
    return typeof value === "string" && shape.is.includes(value) ? null : `${path} is not ${shape.is.join(" or ")}`;
  }
  if ("nullable" in shape) {
    return value === null ? null : fault(value, shape.nullable, path);
  }
  if ("oneOf" in shape) {
    const faults = shape.oneOf.map((one) => fault(value, one, path));
    return faults.includes(null) ? null : faults.join("; or ");
  }
  if ("items" in shape) {
    if (!Array.isArray(value)) return `${path} is not a list`;
    return first(value.map((item, i) => fault(item, shape.items, `${path}[${i}]`)));
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return `${path} is not an object`;
  const object = value as Record<string, unknown>;
  if ("values" in shape) {
    return first(Object.entries(object).map(([key, item]) => fault(item, shape.values, `${path}.${key}`)));
  }
  return first(
    Object.entries(shape.fields).map(([key, field]) => {
      if (object[key] === undefined) return shape.optional.includes(key) ? null : `${path}.${key} is missing`;
      return fault(object[key], field, `${path}.${key}`);
    }),
  );
}

function first(faults: (string | null)[]): string | null {
  return faults.find((f) => f !== null) ?? null;
}

function decode(kind: Record<string, Shape>, name: string, value: unknown): void {
  const shape = kind[name];
  const problem = shape ? fault(value, shape, name) : `there is no event ${name}`;
  if (problem !== null) throw new TypeError(problem);
}

/** Checks the payload of a server event; throws a TypeError that says what is wrong. */
export function decodeServerEvent<N extends keyof ServerEvents>(name: N, value: unknown): ServerEvents[N] {
  decode(serverEventShapes, name, value);
  return value as ServerEvents[N];
}

/** Checks the payload of a client event; throws a TypeError that says what is wrong. */
export function decodeClientEvent<N extends keyof ClientEvents>(name: N, value: unknown): ClientEvents[N]["payload"] {
  decode(clientEventShapes, name, value);
  return value as ClientEvents[N]["payload"];
}

/** Checks the data of an acknowledgement; throws a TypeError that says what is wrong. */
export function decodeAnswer<N extends keyof ClientEvents>(name: N, value: unknown): ClientEvents[N]["answer"] {
  decode(answerShapes, name, value);
  return value as ClientEvents[N]["answer"];
}
