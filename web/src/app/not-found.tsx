import { Link } from "@tanstack/react-router";
import { Compass } from "lucide-react";
import { useT } from "../lib/i18n/i18n.ts";
import { EmptyState } from "../ui/empty-state.tsx";

export function NotFound() {
  const t = useT();
  return (
    <main className="h-dvh">
      <EmptyState
        icon={<Compass size={28} />}
        title={t("app.notFound.title")}
        text={t("app.notFound.text")}
        action={
          <Link to="/" className="btn btn-primary">
            {t("app.home")}
          </Link>
        }
      />
    </main>
  );
}
