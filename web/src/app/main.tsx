import { notifyManager, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { restoreLocale } from "../lib/i18n/i18n.ts";
import { takeJoinToken } from "../lib/pending-join.ts";
import { restoreTheme } from "../lib/theme.ts";
import { openTrail, type Trail } from "../lib/trail.ts";
import { followKeyboard } from "../lib/keyboard.ts";
import { inFrames } from "../sync/frames.ts";
import { SessionKeeper } from "../sync/session.ts";
import { SessionContext } from "../sync/session-context.ts";
import { openStore } from "../sync/store.ts";
import { openTabs } from "../sync/tabs.ts";
import { TrailContext } from "../ui/way-up.tsx";
import { ApiError, isTemporary } from "../wire/errors.ts";
import { tellMessage, tellRefusal } from "./notices.ts";
import { router } from "./router.tsx";
import { startWorker } from "./worker.ts";
import "./styles.css";

function makeClient(onUnauthenticated: () => void): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({
      onError: (error) => {
        if (error instanceof ApiError && error.code === "unauthenticated") onUnauthenticated();
      },
    }),
    defaultOptions: {
      queries: {
        retry: (failures, error) => error instanceof ApiError && isTemporary(error) && failures < 3,
        refetchOnWindowFocus: false,
      },
      mutations: { networkMode: "always" },
    },
  });
}

/** Keeps where this tab has been, until its person signs out. */
function followTrail(): Trail {
  const trail = openTrail();
  const note = (): void => {
    const { href, pathname, state } = router.history.location;
    if (pathname === "/login") trail.forget();
    trail.at({ href, index: state.__TSR_index });
  };
  note();
  router.history.subscribe(note);
  return trail;
}

async function main(): Promise<void> {
  const root = document.getElementById("root");
  if (!root) throw new Error("index.html has no #root");
  takeJoinToken();
  restoreTheme();
  followKeyboard();
  const [store] = await Promise.all([openStore(), restoreLocale()]);
  notifyManager.setScheduler(
    inFrames(
      () => performance.now(),
      (ms, task) => void setTimeout(task, ms),
    ),
  );
  const client = makeClient(() => void session.ended());
  const session = new SessionKeeper({
    client,
    store,
    tabs: openTabs(),
    onRefused: tellRefusal,
    onMessage: (entry) => {
      tellMessage(client, entry);
    },
  });
  const trail = followTrail();
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <SessionContext value={session}>
          <TrailContext value={trail}>
            <RouterProvider router={router} />
          </TrailContext>
        </SessionContext>
      </QueryClientProvider>
    </StrictMode>,
  );
  const open = (path: unknown): void => {
    // Only a page of this client.
    if (typeof path === "string" && path.startsWith("/c/")) router.history.push(path);
  };
  window.addEventListener("parley-open", (event) => {
    if (event instanceof CustomEvent) open(event.detail);
  });
  startWorker(open);
  await session.resume();
}

void main();
