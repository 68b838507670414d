import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import { errorKey } from "../../sync/error-text.ts";
import { useCreateConversation, useRemoveMember, useSetRole } from "../../sync/mutations.ts";
import { personName } from "../../sync/naming.ts";
import { useMembers } from "../../sync/queries.ts";
import { useEngine } from "../../sync/session-context.ts";
import { Confirm } from "../../ui/dialog.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { toast } from "../../ui/toasts.tsx";
import type { Conversation, User } from "../../wire/types.ts";
import { MemberRow } from "./member-row.tsx";

/** Who is in a group, and what one may do about it. */
export function MemberList({ conversation }: { conversation: Conversation }) {
  const t = useT();
  const navigate = useNavigate();
  const { me } = useEngine();
  const members = useMembers(conversation.id);
  const setRole = useSetRole(conversation.id);
  const remove = useRemoveMember(conversation.id);
  const write = useCreateConversation();
  const [leaving, setLeaving] = useState<User>();
  const tell = (error: Error): void => {
    toast(t(errorKey(error)), "error");
  };
  if (members.isPending) return <SkeletonRows count={3} label={t("app.loading")} />;
  return (
    <>
      {members.isError && (
        <p role="alert" className="px-4 text-sm text-danger">
          {t(errorKey(members.error))}
        </p>
      )}
      <ul>
        {members.data?.pages.flatMap((page) =>
          page.items.map((member) => (
            <MemberRow
              key={member.user.id}
              member={member}
              me={me}
              myRole={conversation.role}
              onWrite={() => {
                write.mutate(
                  { kind: "direct", user_id: member.user.id },
                  { onSuccess: ({ id }) => void navigate({ to: "/c/$id", params: { id }, search: {} }), onError: tell },
                );
              }}
              onRole={(role) => {
                setRole.mutate({ userId: member.user.id, role }, { onError: tell });
              }}
              onRemove={() => {
                setLeaving(member.user);
              }}
            />
          )),
        )}
      </ul>
      {members.hasNextPage && (
        <button
          type="button"
          className="btn btn-block btn-ghost btn-sm"
          disabled={members.isFetchingNextPage}
          onClick={() => void members.fetchNextPage()}
        >
          {t("list.more")}
        </button>
      )}
      {leaving && (
        <Confirm
          title={t("details.remove.title", { name: personName(leaving) })}
          text={t("details.remove.text")}
          action={t("details.remove")}
          cancel={t("app.cancel")}
          busy={remove.isPending}
          error={remove.error ? t(errorKey(remove.error)) : undefined}
          onClose={() => {
            remove.reset();
            setLeaving(undefined);
          }}
          onConfirm={() => {
            remove.mutate(leaving.id, {
              onSuccess: () => {
                setLeaving(undefined);
              },
            });
          }}
        />
      )}
    </>
  );
}
