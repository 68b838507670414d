import { expect, test } from "vitest";
import type { Item } from "../../sync/fold.ts";
import type { OutboxItem } from "../../sync/outbox-item.ts";
import { asItIsNow, buildRows, type Row, type RowsInput } from "./rows.ts";

const message = (seq: number, sender: string, at: string): Item => ({
  conversation_id: "c",
  seq,
  at,
  sender_id: sender,
  kind: "message",
  client_id: `k${String(seq)}`,
  ordinal: seq,
  text: `text ${String(seq)}`,
  attachments: [],
  reactions: {},
});
const waiting = (n: number, at: string): OutboxItem => ({
  client_id: `k${String(n)}`,
  conversation_id: "c",
  order: n,
  at,
  action: { kind: "message", text: "mine", files: [] },
});
const rows = (input: Partial<RowsInput>): Row[] =>
  buildRows({ items: [], outbox: [], atStart: true, direct: false, atTail: true, me: "me", newAfter: null, ...input });
/** Each row in a few letters: a message with its edges, a day, the line "New". */
const drawn = (all: readonly Row[]): string[] =>
  all.map((row) =>
    row.kind === "message"
      ? `${row.first ? "[" : ""}${String(row.message.seq || "…")}${row.last ? "]" : ""}`
      : row.kind === "system"
        ? "system"
        : row.kind,
  );

test("messages of one person within five minutes stand together; others, a day and a pause part them", () => {
  const items = [
    message(1, "ada", "2026-03-01T10:00:00.000Z"),
    message(2, "ada", "2026-03-01T10:04:00.000Z"),
    message(3, "ada", "2026-03-01T10:10:00.000Z"),
    message(4, "grace", "2026-03-01T10:10:30.000Z"),
    message(5, "grace", "2026-03-03T10:10:31.000Z"),
  ];
  expect(drawn(rows({ items }))).toEqual(["start", "day", "[1", "2]", "[3]", "[4]", "day", "[5]"]);
});

test("the line New stands before the first message of others that is unread, and parts a run", () => {
  const at = (n: number): string => `2026-03-01T10:00:0${String(n)}.000Z`;
  const items = [message(1, "ada", at(1)), message(2, "me", at(2)), message(3, "ada", at(3)), message(4, "ada", at(4))];
  expect(drawn(rows({ items, newAfter: 1 }))).toEqual(["start", "day", "[1]", "[2]", "new", "[3", "4]"]);
  expect(drawn(rows({ items, newAfter: 3 }))).toEqual(["start", "day", "[1]", "[2]", "[3]", "new", "[4]"]);
  expect(drawn(rows({ items, newAfter: 9 }))).not.toContain("new");
  expect(drawn(rows({ items, newAfter: null }))).not.toContain("new");
});

test("what waits follows what is there, once, and only where the newest is shown", () => {
  const at = "2026-03-01T10:00:00.000Z";
  const items = [message(1, "me", at)];
  const outbox = [waiting(1, at), waiting(2, at)];
  expect(drawn(rows({ items, outbox }))).toEqual(["start", "day", "[1", "…]"]);
  expect(drawn(rows({ items, outbox, atTail: false }))).toEqual(["start", "day", "[1]"]);
  // From waiting to sent it is the same row: nothing blinks.
  const keyOf = (all: readonly Row[]): string | undefined => all.at(-1)?.key;
  expect(keyOf(rows({ items: [message(2, "me", at)] }))).toBe(keyOf(rows({ outbox: [waiting(2, at)] })));
});

test("a row that was chosen while it waited is found as what it became", () => {
  const at = "2026-03-01T10:00:00.000Z";
  const chosen = rows({ outbox: [waiting(2, at)] }).at(-1);
  if (chosen?.kind !== "message") throw new Error("no message");
  expect(chosen.pending).toBeDefined();
  const sent = asItIsNow(rows({ items: [message(2, "me", at)] }), chosen);
  expect(sent.message.seq).toBe(2);
  expect(sent.pending).toBeUndefined();
  // What is not shown any more stays what it was.
  expect(asItIsNow(rows({}), chosen)).toBe(chosen);
});
