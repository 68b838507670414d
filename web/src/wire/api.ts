import { request } from "./rest.ts";
import type {
  Blocked,
  Conversation,
  EntryPage,
  Found,
  FreshInvite,
  Invite,
  InvitePreview,
  Me,
  Member,
  Message,
  MessagePage,
  NotifyLevel,
  Page,
  PushSubscriptionInfo,
  ReceiptsAnswer,
  Role,
  Session,
  SharedFile,
  SyncAnswer,
  User,
} from "./types.ts";

interface Signal {
  signal?: AbortSignal | undefined;
}
interface Credentials {
  username: string;
  password: string;
}
export interface SignUp extends Credentials {
  display_name?: string;
  email?: string;
}
export interface ProfileChange {
  display_name?: string;
  bio?: string;
  avatar_id?: string | null;
  settings?: Record<string, unknown>;
}
export interface PasswordChange {
  current_password: string;
  password: string;
}
export type NewConversation =
  { kind: "direct"; user_id: string } | { kind: "group" | "channel"; title: string; member_ids: string[] };

export interface MessageQuery {
  before?: number;
  after?: number;
  around?: number;
  limit: number;
}

export interface SearchQuery {
  q: string;
  conversation_id?: string | undefined;
  from?: string | undefined;
  after?: string | undefined;
  before?: string | undefined;
  has?: string | undefined;
  limit: number;
  cursor?: string | undefined;
}
export type FileKind = "media" | "audio" | "other";
export interface Preferences {
  muted_until?: string | null;
  notify?: NotifyLevel;
  pinned?: boolean;
  archived?: boolean;
}
export interface NewPush {
  endpoint: string;
  keys: { p256dh: string; auth: string };
  content: boolean;
}
export interface NewInvite {
  /** Seconds; 0 for never. */
  expires_in_seconds: number;
  /** 0 for no limit. */
  max_uses: number;
}

function form(file: Blob): FormData {
  const body = new FormData();
  body.append("file", file, "picture");
  return body;
}

const conversation = (id: string): string => `/conversations/${encodeURIComponent(id)}`;
const member = (id: string, user: string): string => `${conversation(id)}/members/${encodeURIComponent(user)}`;

/** The REST calls, one function each. All throw ApiError. */
export const api = {
  signUp: (body: SignUp) => request<{ user: Me }>("POST", "/auth/signup", { body }),
  logIn: (body: Credentials) => request<{ user: Me }>("POST", "/auth/login", { body }),
  logOut: () => request<undefined>("POST", "/auth/logout"),

  me: (o: Signal = {}) => request<Me>("GET", "/me", o),
  updateMe: (body: ProfileChange) => request<Me>("PATCH", "/me", { body }),
  changePassword: (body: PasswordChange) => request<undefined>("POST", "/me/password", { body }),
  sessions: (o: Signal = {}) => request<Page<Session>>("GET", "/sessions", o),
  revokeSession: (id: string) => request<undefined>("DELETE", `/sessions/${encodeURIComponent(id)}`),

  findUsers: (query: string, o: Signal & { limit?: number } = {}) =>
    request<Page<User>>("GET", "/users", { query: { query, limit: o.limit ?? 20 }, signal: o.signal }),
  user: (id: string, o: Signal = {}) => request<User>("GET", `/users/${encodeURIComponent(id)}`, o),

  conversations: (query: { limit: number; cursor?: string | undefined }, o: Signal = {}) =>
    request<Page<Conversation>>("GET", "/conversations", { query, ...o }),
  conversation: (id: string, o: Signal = {}) => request<Conversation>("GET", conversation(id), o),
  createConversation: (body: NewConversation) => request<Conversation>("POST", "/conversations", { body }),
  updateConversation: (id: string, body: { title?: string; avatar_id?: string | null }) =>
    request<unknown>("PATCH", conversation(id), { body }),

  members: (
    id: string,
    query: { limit: number; cursor?: string | undefined; query?: string | undefined },
    o: Signal = {},
  ) => request<Page<Member>>("GET", `${conversation(id)}/members`, { query, ...o }),
  addMembers: (id: string, userIds: string[]) =>
    request<unknown>("POST", `${conversation(id)}/members`, { body: { user_ids: userIds } }),
  setRole: (id: string, user: string, role: Role) => request<unknown>("PATCH", member(id, user), { body: { role } }),
  removeMember: (id: string, user: string) => request<unknown>("DELETE", member(id, user)),

  messages: (id: string, query: MessageQuery, o: Signal = {}) =>
    request<MessagePage>("GET", `${conversation(id)}/messages`, { query: { ...query }, ...o }),
  entries: (id: string, query: { after: number; limit: number }, o: Signal = {}) =>
    request<EntryPage>("GET", `${conversation(id)}/entries`, { query, ...o }),
  receipts: (id: string, seq: number, o: Signal = {}) =>
    request<ReceiptsAnswer>("GET", `${conversation(id)}/messages/${String(seq)}/receipts`, o),

  search: (query: SearchQuery, o: Signal = {}) => request<Page<Found>>("GET", "/search", { query: { ...query }, ...o }),
  files: (id: string, query: { kind: FileKind; limit: number; cursor?: string | undefined }, o: Signal = {}) =>
    request<Page<SharedFile>>("GET", `${conversation(id)}/files`, { query, ...o }),
  pins: (id: string, o: Signal = {}) => request<{ items: Message[] }>("GET", `${conversation(id)}/pins`, o),
  setPinned: (id: string, seq: number, on: boolean) =>
    request<unknown>(on ? "PUT" : "DELETE", `${conversation(id)}/messages/${String(seq)}/pin`),
  setPreferences: (id: string, body: Preferences) =>
    request<Conversation>("PATCH", `${conversation(id)}/preferences`, { body }),

  blocks: (o: Signal = {}) => request<Page<Blocked>>("GET", "/blocks", { query: { limit: 100 }, ...o }),
  setBlocked: (user: string, on: boolean) =>
    request<undefined>(on ? "PUT" : "DELETE", `/blocks/${encodeURIComponent(user)}`),

  invites: (id: string, o: Signal = {}) =>
    request<Page<Invite>>("GET", `${conversation(id)}/invites`, { query: { limit: 100 }, ...o }),
  createInvite: (id: string, body: NewInvite) => request<FreshInvite>("POST", `${conversation(id)}/invites`, { body }),
  revokeInvite: (id: string, invite: string) =>
    request<undefined>("DELETE", `${conversation(id)}/invites/${encodeURIComponent(invite)}`),
  previewInvite: (token: string, o: Signal = {}) =>
    request<InvitePreview>("POST", "/invites/preview", { body: { token }, ...o }),
  joinInvite: (token: string) => request<Conversation>("POST", "/invites/join", { body: { token } }),

  push: (o: Signal = {}) => request<{ public_key: string; enabled: boolean }>("GET", "/push", o),
  pushSubscriptions: (o: Signal = {}) => request<Page<PushSubscriptionInfo>>("GET", "/push/subscriptions", o),
  addPush: (body: NewPush) => request<PushSubscriptionInfo>("POST", "/push/subscriptions", { body }),
  setPushContent: (id: string, content: boolean) =>
    request<PushSubscriptionInfo>("PATCH", `/push/subscriptions/${encodeURIComponent(id)}`, { body: { content } }),
  removePush: (id: string) => request<undefined>("DELETE", `/push/subscriptions/${encodeURIComponent(id)}`),
  testPush: (id: string) => request<undefined>("POST", `/push/subscriptions/${encodeURIComponent(id)}/test`),

  setMyAvatar: (picture: Blob) => request<Me>("PUT", "/me/avatar", { body: form(picture) }),
  setAvatar: (id: string, picture: Blob) =>
    request<unknown>("PUT", `${conversation(id)}/avatar`, { body: form(picture) }),

  sync: (cursor: string, o: Signal = {}) => request<SyncAnswer>("GET", "/sync", { query: { cursor }, ...o }),
};

export type Api = typeof api;

/** The address of a file, or of its thumbnail. */
export function fileUrl(id: string, options: { thumb?: boolean } = {}): string {
  return `/api/v1/files/${encodeURIComponent(id)}${options.thumb ? "?thumb=1" : ""}`;
}
