import { expect, test } from "vitest";
import type { Member, User } from "../../wire/types.ts";
import { matchMembers } from "./use-completion.ts";
import { mentionsOf, namesIn } from "./use-mentions.ts";

function member(username: string, display_name: string): Member {
  const user: User = { id: `id-${username}`, username, display_name, bio: "", created_at: "2026-01-01T00:00:00.000Z" };
  return { user, role: "member", visible_from: 1, joined_at: user.created_at };
}

const ada = member("ada", "Ada Lovelace");
const agatha = member("agatha", "Grace Agatha");
const li = member("li", "李小龍");

test("who begins with it comes first; whom the server found follows; nobody comes twice, and never oneself", () => {
  const names = (query: string): string[] =>
    matchMembers([ada, agatha], [agatha, li], query, "id-ada").map((user) => user.username);
  expect(names("a")).toEqual(["agatha"]);
  expect(names("gra")).toEqual(["agatha"]);
  expect(names("小")).toEqual(["li"]);
  // An answer to an earlier query is no answer to this one.
  expect(names("zoe")).toEqual([]);
});

test("the author of what is replied to is told, and each who is named, once", () => {
  expect(namesIn("@Ada and @ada, not me@example.org, (@li)")).toEqual(["ada", "li"]);
  expect(mentionsOf("@ada @li @nobody", [ada, agatha, li, ada], "id-agatha")).toEqual(["id-agatha", "id-ada", "id-li"]);
  expect(mentionsOf("@ada", [ada], "id-ada")).toEqual(["id-ada"]);
  expect(mentionsOf("hello", [ada], undefined)).toEqual([]);
});
