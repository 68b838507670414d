import { queryOptions } from "@tanstack/react-query";
import { ApiError } from "../wire/errors.ts";
import { writeList } from "./conversation-list.ts";
import type { Engine } from "./engine.ts";
import { keys } from "./keys.ts";

const minuteMs = 60_000;

/** How the list of conversations is loaded and written. */
export function listOptions(engine: Engine) {
  return queryOptions({
    queryKey: keys.conversations,
    queryFn: () => engine.loadConversations(),
    staleTime: Infinity,
    gcTime: Infinity,
    structuralSharing: writeList,
  });
}

/** How a conversation's log is loaded and kept. */
export function timelineOptions(engine: Engine, id: string) {
  return queryOptions({
    queryKey: keys.timeline(id),
    queryFn: () => engine.timelines.loadTail(id),
    staleTime: Infinity,
    gcTime: 30 * minuteMs,
    // A timeline is made new where it changes and nowhere else: comparing it deeply would cost more than it saves.
    structuralSharing: false,
    retry: (failures, error) => !(error instanceof ApiError && error.code === "not_found") && failures < 3,
  });
}
