import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { keys } from "../sync/keys.ts";
import { announce } from "../ui/announcer.tsx";
import { api } from "../wire/api.ts";
import { ApiError } from "../wire/errors.ts";
import type { MessageEntry, User } from "../wire/types.ts";
import { tellMessage } from "./notices.ts";

vi.mock(import("../ui/announcer.tsx"), async (original) => ({ ...(await original()), announce: vi.fn() }));

const group = "00000000-0000-7000-8000-00000000c001";
const userOf = (id: string, name: string): User => ({
  id,
  username: name.toLowerCase(),
  display_name: name,
  bio: "",
  created_at: "2026-01-01T00:00:00.000Z",
});
const messageFrom = (sender: string, text: string): MessageEntry => ({
  conversation_id: group,
  seq: 7,
  at: "2026-01-01T00:00:00.000Z",
  sender_id: sender,
  kind: "message",
  client_id: text,
  ordinal: 3,
  text,
  attachments: [],
});

let client: QueryClient;
const said = (): string[] => vi.mocked(announce).mock.calls.map(([text]) => text);

beforeEach(() => {
  vi.useFakeTimers();
  vi.mocked(announce).mockClear();
  history.replaceState(null, "", `/c/${group}`);
  client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
});

afterEach(() => {
  client.clear();
  vi.useRealTimers();
});

test("who is not known yet is announced by name, before whoever writes next", async () => {
  let answer: (user: User) => void = () => undefined;
  vi.spyOn(api, "user").mockImplementation(
    () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  );
  client.setQueryData(keys.user("bo"), userOf("bo", "Bo"));
  tellMessage(client, messageFrom("ada", "hello"));
  tellMessage(client, messageFrom("bo", "hello Ada"));
  await vi.advanceTimersByTimeAsync(500);
  expect(said()).toEqual([]);
  answer(userOf("ada", "Ada"));
  await vi.advanceTimersByTimeAsync(100);
  expect(said()).toEqual(["Ada: hello", "Bo: hello Ada"]);
  // Who was asked for is known from then on.
  tellMessage(client, messageFrom("ada", "again"));
  await vi.advanceTimersByTimeAsync(0);
  expect(said()).toHaveLength(3);
  expect(api.user).toHaveBeenCalledOnce();
});

test("a message is announced all the same when its sender's name does not come, or not in time", async () => {
  vi.spyOn(api, "user").mockImplementation((id) =>
    id === "gone" ? Promise.reject(new ApiError("not_found")) : new Promise(() => undefined),
  );
  tellMessage(client, messageFrom("gone", "one"));
  await vi.advanceTimersByTimeAsync(100);
  expect(said()).toEqual(["…: one"]);
  for (let n = 0; n < 5; n += 1) tellMessage(client, messageFrom(`slow ${String(n)}`, "two"));
  await vi.advanceTimersByTimeAsync(3_000);
  expect(said()).toHaveLength(6);
});

test("who has gone elsewhere by then hears nothing of it", async () => {
  vi.spyOn(api, "user").mockImplementation(() => new Promise(() => undefined));
  tellMessage(client, messageFrom("ada", "hello"));
  history.replaceState(null, "", "/settings");
  await vi.advanceTimersByTimeAsync(3_000);
  expect(said()).toEqual([]);
});
