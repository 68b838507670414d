import { Link, useParams } from "@tanstack/react-router";
import { Bell, ChevronRight, Palette, ShieldCheck, UserRound } from "lucide-react";
import { useEffect, useRef } from "react";
import { Appearance } from "../features/settings/appearance.tsx";
import { BlockedPeople } from "../features/settings/blocked.tsx";
import { LogOutButton } from "../features/settings/log-out.tsx";
import { Notifications } from "../features/settings/notifications.tsx";
import { PasswordForm } from "../features/settings/password-form.tsx";
import { Profile } from "../features/settings/profile.tsx";
import { Push } from "../features/settings/push.tsx";
import { Sessions } from "../features/settings/sessions.tsx";
import { cx } from "../lib/cx.ts";
import { useT } from "../lib/i18n/i18n.ts";
import { PaneHeader } from "../ui/pane-header.tsx";
import { useMedia } from "../ui/use-media.ts";
import { NotFound } from "./not-found.tsx";

const pages = [
  { id: "profile", label: "settings.profile", icon: UserRound },
  { id: "security", label: "settings.security", icon: ShieldCheck },
  { id: "notifications", label: "settings.notifications", icon: Bell },
  { id: "appearance", label: "settings.appearance", icon: Palette },
] as const;

function Index({ current }: { current: string | undefined }) {
  const t = useT();
  return (
    <nav aria-label={t("settings.title")} className="space-y-0.5 p-2">
      {pages.map(({ id, label, icon: Icon }) => (
        <Link
          key={id}
          to="/settings/{-$page}"
          params={{ page: id }}
          aria-current={id === current ? "page" : undefined}
          className={cx(
            "flex items-center gap-3 rounded-box px-3 py-2.5 font-medium",
            id === current ? "bg-primary/12" : "hover:bg-base-200",
          )}
        >
          <Icon size={20} />
          <span className="flex-1">{t(label)}</span>
          <ChevronRight size={18} className="md:hidden rtl:rotate-180" aria-hidden="true" />
        </Link>
      ))}
      <LogOutButton />
    </nav>
  );
}

function Content({ page }: { page: (typeof pages)[number]["id"] }) {
  switch (page) {
    case "profile":
      return <Profile />;
    case "security":
      return (
        <div className="space-y-10">
          <PasswordForm />
          <Sessions />
          <BlockedPeople />
        </div>
      );
    case "notifications":
      return (
        <div className="space-y-10">
          <Notifications />
          <Push />
        </div>
      );
    case "appearance":
      return <Appearance />;
  }
}

/** Where one page takes the place of the other, the focus goes along: into the page, and back to its link. */
function useFocusAlong(page: string | undefined, wide: boolean) {
  const root = useRef<HTMLDivElement>(null);
  const came = useRef(page);
  useEffect(() => {
    const from = came.current;
    came.current = page;
    if (wide || from === page) return;
    const link = page === undefined && from !== undefined && `nav a[href="/settings/${CSS.escape(from)}"]`;
    root.current?.querySelector<HTMLElement>(link || "header a")?.focus();
  }, [page, wide]);
  return root;
}

/** The settings: the index or one page where there is no room for both. */
export function SettingsScreen() {
  const t = useT();
  const { page } = useParams({ strict: false });
  const wide = useMedia("(min-width: 1024px)");
  const root = useFocusAlong(page, wide);
  const chosen = pages.find(({ id }) => id === (page ?? "profile"));
  if (!chosen) return <NotFound />;
  if (!wide && page === undefined) {
    return (
      <div ref={root} className="flex h-full flex-col">
        <PaneHeader title={t("settings.title")} back={{ to: "/" }} backLabel={t("app.back")} />
        <Index current={undefined} />
      </div>
    );
  }
  return (
    <div ref={root} className="flex h-full flex-col">
      <PaneHeader
        title={wide ? t("settings.title") : t(chosen.label)}
        back={wide ? { to: "/" } : { to: "/settings/{-$page}", params: { page: undefined } }}
        backLabel={t("app.back")}
      />
      <div className="flex min-h-0 flex-1">
        {wide && (
          <div className="w-56 shrink-0 border-e border-base-300">
            <Index current={chosen.id} />
          </div>
        )}
        <div className="min-w-0 flex-1 overflow-y-auto">
          <div className="mx-auto max-w-2xl p-4 md:p-6">
            {wide && <h2 className="mb-4 text-xl font-semibold">{t(chosen.label)}</h2>}
            <Content page={chosen.id} />
          </div>
        </div>
      </div>
    </div>
  );
}
