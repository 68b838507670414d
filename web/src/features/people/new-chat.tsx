import { Link, useNavigate } from "@tanstack/react-router";
import { Bookmark, Users } from "lucide-react";
import { useT } from "../../lib/i18n/i18n.ts";
import { errorKey } from "../../sync/error-text.ts";
import { useCreateConversation } from "../../sync/mutations.ts";
import { useEngine } from "../../sync/session-context.ts";
import { toast } from "../../ui/toasts.tsx";
import { PeopleSearch } from "./people-search.tsx";
import { PersonRow } from "./person-row.tsx";

const tile = "flex w-full items-center gap-3 rounded-box px-3 py-2 text-start hover:bg-base-200";
const badge = "flex size-10 shrink-0 items-center justify-center rounded-full bg-primary text-primary-content";

/** Find somebody to write to; or a group, or oneself. */
export function NewChat() {
  const t = useT();
  const navigate = useNavigate();
  const { me } = useEngine();
  const create = useCreateConversation();
  const open = (userId: string): void => {
    create.mutate(
      { kind: "direct", user_id: userId },
      {
        onSuccess: (conversation) => void navigate({ to: "/c/$id", params: { id: conversation.id }, replace: true }),
        onError: (error) => {
          toast(t(errorKey(error)), "error");
        },
      },
    );
  };
  return (
    <PeopleSearch
      row={(user) => (
        <PersonRow
          user={user}
          disabled={create.isPending}
          onSelect={() => {
            open(user.id);
          }}
        />
      )}
      idle={
        <div className="mb-2 border-b border-base-300 pb-2">
          <Link to="/new/group" className={tile}>
            <span className={badge}>
              <Users size={20} />
            </span>
            <span className="font-medium">{t("new.group")}</span>
          </Link>
          <button
            type="button"
            className={tile}
            onClick={() => {
              open(me);
            }}
          >
            <span className={badge}>
              <Bookmark size={20} />
            </span>
            <span>
              <span className="block font-medium">{t("new.self")}</span>
              <span className="block text-sm text-base-content/70">{t("new.self.text")}</span>
            </span>
          </button>
        </div>
      }
    />
  );
}
