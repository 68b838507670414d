import { useNavigate } from "@tanstack/react-router";
import { Link2Off, Users } from "lucide-react";
import { useT } from "../../lib/i18n/i18n.ts";
import { errorKey } from "../../sync/error-text.ts";
import { useInvitePreview, useJoin } from "../../sync/group-queries.ts";
import { Avatar } from "../../ui/avatar.tsx";
import { EmptyState } from "../../ui/empty-state.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";

/** Where an invitation leads: what it is for, and the way in. */
export function JoinCard({ token, onDone }: { token: string; onDone: () => void }) {
  const t = useT();
  const navigate = useNavigate();
  const preview = useInvitePreview(token);
  const join = useJoin();
  const open = (id: string): void => {
    onDone();
    void navigate({ to: "/c/$id", params: { id }, search: {}, replace: true });
  };
  if (token === "" || preview.data === null) {
    return <EmptyState icon={<Link2Off size={28} />} title={t("join.invalid")} text={t("join.invalid.text")} />;
  }
  if (preview.isError) {
    return (
      <EmptyState
        icon={<Link2Off size={28} />}
        title={t(errorKey(preview.error))}
        action={
          <button type="button" className="btn btn-primary" onClick={() => void preview.refetch()}>
            {t("app.tryAgain")}
          </button>
        }
      />
    );
  }
  if (!preview.data) return <SkeletonRows count={1} label={t("app.loading")} />;
  const { conversation_id: id, title, avatar_url, members_count, member } = preview.data;
  return (
    <div className="mx-auto flex h-full max-w-sm flex-col items-center justify-center gap-3 p-6 text-center">
      <Avatar name={title} seed={id} src={avatar_url} size="xl" icon={avatar_url ? undefined : <Users size={40} />} />
      <p className="text-sm text-base-content/70">{t("join.invited")}</p>
      <h2 className="text-2xl font-semibold wrap-anywhere">
        <bdi>{title}</bdi>
      </h2>
      <p className="text-sm text-base-content/70">{t("chat.members", { count: members_count })}</p>
      {join.error && (
        <p role="alert" className="text-sm text-danger">
          {t(errorKey(join.error))}
        </p>
      )}
      <button
        type="button"
        className="btn btn-wide btn-primary"
        disabled={join.isPending}
        onClick={() => {
          if (member) open(id);
          else {
            join.mutate(token, {
              onSuccess: (conversation) => {
                open(conversation.id);
              },
            });
          }
        }}
      >
        {member ? t("join.open") : t("join.join")}
      </button>
    </div>
  );
}
