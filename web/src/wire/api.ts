import { request } from "./rest.ts";
import type {
  Conversation,
  EntryPage,
  Me,
  Member,
  MessagePage,
  Page,
  ReceiptsAnswer,
  Role,
  Session,
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
  avatar?: string;
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
  updateConversation: (id: string, body: { title?: string; avatar_id?: string }) =>
    request<unknown>("PATCH", conversation(id), { body }),

  members: (id: string, query: { limit: number; cursor?: string | undefined }, o: Signal = {}) =>
    request<Page<Member>>("GET", `${conversation(id)}/members`, { query, ...o }),
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

  sync: (cursor: string, o: Signal = {}) => request<SyncAnswer>("GET", "/sync", { query: { cursor }, ...o }),
};

export type Api = typeof api;

/** The address of a file, or of its thumbnail. */
export function fileUrl(id: string, options: { thumb?: boolean } = {}): string {
  return `/api/v1/files/${encodeURIComponent(id)}${options.thumb ? "?thumb=1" : ""}`;
}
