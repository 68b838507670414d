import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { expect, test } from "vitest";
import { keys } from "./keys.ts";
import { PresenceWatch } from "./presence.ts";
import type { Presence } from "../wire/types.ts";

const grace: Presence = { user_id: "grace", online: true, last_seen_at: null };

/** What somebody sees who looks at a person all the time. */
function look(client: QueryClient, id: string): () => Presence | null | undefined {
  const observer = new QueryObserver<Presence | null>(client, {
    queryKey: keys.presence(id),
    queryFn: () => null,
    enabled: false,
    staleTime: Infinity,
  });
  observer.subscribe(() => undefined);
  return () => observer.getCurrentResult().data;
}

test("without a line nobody's presence is known, also where it is on screen already; with a line it is asked for anew", async () => {
  const client = new QueryClient();
  let up = true;
  const asked: string[][] = [];
  const watch = new PresenceWatch({
    client,
    line: {
      isUp: () => up,
      call: (_event: string, { user_ids }: { user_ids: string[] }) => {
        asked.push(user_ids);
        return Promise.resolve({ presence: [grace] });
      },
    } as never,
    later: (_ms, task) => {
      task();
      return () => undefined;
    },
  });
  const inList = look(client, "grace");
  const inHeader = look(client, "grace");
  watch.watch("grace");
  await expect.poll(inList).toEqual(grace);

  up = false;
  watch.forget();
  expect(inList()).toBeNull();
  expect(inHeader()).toBeNull();

  up = true;
  watch.flush();
  await expect.poll(inList).toEqual(grace);
  expect(inHeader()).toEqual(grace);
  expect(asked).toEqual([["grace"], ["grace"]]);
  client.clear();
});
