/** The names of what is kept in the query cache. Everything the server told lives there and nowhere else. */
export const keys = {
  me: ["me"] as const,
  sessions: ["sessions"] as const,
  conversations: ["conversations"] as const,
  timeline: (id: string) => ["timeline", id] as const,
  members: (id: string) => ["members", id] as const,
  /** Known wherever `members` is: it goes stale with it. */
  membersFound: (id: string, query: string) => ["members", id, "found", query] as const,
  receipts: (id: string, seq: number) => ["receipts", id, seq] as const,
  user: (id: string) => ["user", id] as const,
  push: ["push"] as const,
  blocks: ["blocks"] as const,
  invites: (id: string) => ["invites", id] as const,
  invite: (token: string) => ["invite", token] as const,
  pins: (id: string) => ["pins", id] as const,
  files: (id: string, kind: string) => ["files", id, kind] as const,
  people: (query: string) => ["people", query] as const,
  presence: (id: string) => ["presence", id] as const,
  typing: (id: string) => ["typing", id] as const,
  outbox: ["outbox"] as const,
};
