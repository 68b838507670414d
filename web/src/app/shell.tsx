import { Outlet, useLocation } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useState, useSyncExternalStore } from "react";
import { ConversationList } from "../features/conversations/conversation-list.tsx";
import { ListHeader } from "../features/conversations/list-header.tsx";
import { cx } from "../lib/cx.ts";
import { useT } from "../lib/i18n/i18n.ts";
import { useTotalUnread } from "../sync/queries.ts";
import { EngineProvider, useEngine, useSessionState } from "../sync/session-context.ts";
import { useMedia } from "../ui/use-media.ts";
import { usePageNote } from "../ui/page-note.ts";
import { Broken } from "./broken.tsx";
import { useCallNotices } from "./call-notices.ts";
import { LineNote, useLineWatch } from "./line-banner.tsx";
import { PaneDivider, usePaneWidth } from "./pane-divider.tsx";
import { showUnread } from "./unread-badge.ts";
import { useShortcuts } from "./use-shortcuts.ts";

const ShortcutSheet = lazy(async () => ({
  default: (await import("../features/shortcuts/shortcut-sheet.tsx")).ShortcutSheet,
}));
const FoundEverywhere = lazy(async () => ({
  default: (await import("../features/search/found-everywhere.tsx")).FoundEverywhere,
}));
const CallStage = lazy(async () => ({ default: (await import("../features/call/call-stage.tsx")).CallStage }));
const Switcher = lazy(async () => ({ default: (await import("../features/switcher/switcher.tsx")).Switcher }));

function usePageTitle(): void {
  const t = useT();
  const unread = useTotalUnread();
  const note = usePageNote();
  useEffect(() => {
    document.title = note ?? (unread > 0 ? `(${String(unread)}) ${t("app.name")}` : t("app.name"));
  }, [t, unread, note]);
  useEffect(() => {
    showUnread(unread);
    return () => {
      showUnread(0);
    };
  }, [unread]);
}

/** What carries out calls is loaded when there is one. */
function Calls() {
  const { calls } = useEngine();
  const { needed } = useSyncExternalStore(calls.subscribe, calls.getSnapshot);
  const notices = useCallNotices();
  if (!needed) return null;
  return (
    <Suspense>
      <Broken resetKey="call">
        <CallStage {...notices} />
      </Broken>
    </Suspense>
  );
}

function SignedIn() {
  const t = useT();
  const { pathname, search } = useLocation();
  const wide = useMedia("(min-width: 768px)");
  const [open, setOpen] = useState<"switcher" | "shortcuts">();
  const width = usePaneWidth("list");
  const close = (): void => {
    setOpen(undefined);
  };
  usePageTitle();
  useLineWatch();
  useShortcuts({
    onSwitcher: () => {
      setOpen("switcher");
    },
    onSheet: () => {
      setOpen("shortcuts");
    },
  });
  const atList = pathname === "/";
  const chatShown = pathname.startsWith("/c/") && search.info === undefined;
  return (
    <div className="safe-top relative app-height flex flex-col bg-base-100 text-base-content">
      <a href="#main" className="btn btn-primary sr-only fixed z-50 focus:not-sr-only focus:fixed focus:m-2">
        {t("app.skip")}
      </a>
      <div className="relative flex min-h-0 flex-1">
        {(wide || atList) && (
          <section
            aria-label={t("list.title")}
            style={wide ? { width } : undefined}
            className={cx("relative flex min-h-0 shrink-0 flex-col", wide ? "" : "w-full")}
          >
            <Broken resetKey="list">
              <ListHeader
                onSearch={() => {
                  setOpen("switcher");
                }}
              />
              <ConversationList />
            </Broken>
            <LineNote />
          </section>
        )}
        {wide && <PaneDivider pane="list" />}
        {(wide || !atList) && (
          <main id="main" tabIndex={-1} className="min-w-0 flex-1 focus:outline-none">
            <Broken resetKey={pathname}>
              <Outlet />
            </Broken>
          </main>
        )}
        {/* A conversation on a phone has a better place for it. */}
        {!wide && !atList && !chatShown && <LineNote />}
      </div>
      <Calls />
      {open && (
        <Suspense>
          {open === "switcher" ? (
            <Switcher onClose={close} extra={(text) => <FoundEverywhere text={text} onGo={close} />} />
          ) : (
            <ShortcutSheet onClose={close} />
          )}
        </Suspense>
      )}
    </div>
  );
}

/** Everything behind the log-in: the list beside what is open; on a phone one of both. */
export function Shell() {
  const session = useSessionState();
  if (session.status !== "in") return null;
  return (
    <EngineProvider value={session.engine} key={session.engine.me}>
      <SignedIn />
    </EngineProvider>
  );
}
