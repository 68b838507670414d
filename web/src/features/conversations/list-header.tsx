import { Link } from "@tanstack/react-router";
import { Search, Settings, SquarePen } from "lucide-react";
import { useT } from "../../lib/i18n/i18n.ts";
import { useMe } from "../../sync/queries.ts";
import { Avatar } from "../../ui/avatar.tsx";

interface ListHeaderProps {
  onSearch: () => void;
}

/** Above the list: who one is, the way to the settings, the search and a new conversation. */
export function ListHeader({ onSearch }: ListHeaderProps) {
  const t = useT();
  const me = useMe();
  const isMac = navigator.platform.startsWith("Mac");
  return (
    <header className="space-y-2 px-3 pt-2 pb-1">
      <div className="flex items-center gap-2">
        <Link
          to="/settings/{-$page}"
          params={{ page: undefined }}
          className="flex min-w-0 flex-1 items-center gap-3 rounded-box p-1 hover:bg-base-200"
          title={t("settings.title")}
        >
          <Avatar name={me.display_name || me.username} seed={me.id} src={me.avatar_url} size="sm" />
          <bdi className="truncate font-semibold">{me.display_name || me.username}</bdi>
          <span className="sr-only">{t("settings.title")}</span>
        </Link>
        <Link
          to="/settings/{-$page}"
          params={{ page: undefined }}
          aria-label={t("settings.title")}
          title={t("settings.title")}
          className="btn btn-circle btn-ghost btn-sm size-10"
        >
          <Settings size={20} />
        </Link>
        <Link
          to="/new"
          aria-label={t("list.new")}
          title={t("list.new")}
          className="btn btn-circle btn-primary btn-sm size-10"
        >
          <SquarePen size={18} />
        </Link>
      </div>
      <button
        type="button"
        className="flex h-10 w-full cursor-text items-center gap-2 rounded-field bg-base-200 px-3 text-start text-sm text-base-content/70 hover:bg-base-300"
        onClick={onSearch}
      >
        <Search size={16} aria-hidden="true" />
        <span className="flex-1 truncate">{t("list.search")}</span>
        <kbd className="kbd kbd-xs hidden md:inline-flex">{isMac ? "⌘" : "Ctrl"} K</kbd>
      </button>
    </header>
  );
}
