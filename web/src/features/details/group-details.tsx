import { Link, useNavigate } from "@tanstack/react-router";
import { LogOut, UserPlus, Users } from "lucide-react";
import { useState } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import { errorKey } from "../../sync/error-text.ts";
import { useSetAvatar } from "../../sync/group-queries.ts";
import { useRemoveMember } from "../../sync/mutations.ts";
import { conversationAvatar } from "../../sync/naming.ts";
import { useEngine } from "../../sync/session-context.ts";
import { Avatar } from "../../ui/avatar.tsx";
import { AvatarButton } from "../../ui/avatar-button.tsx";
import { Confirm } from "../../ui/dialog.tsx";
import { asApiError } from "../../wire/errors.ts";
import type { Conversation } from "../../wire/types.ts";
import { DetailLinks } from "./detail-links.tsx";
import { GroupTitle } from "./group-title.tsx";
import { MemberList } from "./member-list.tsx";

/** A group: its name, who is in it, the way in for others and the way out. */
export function GroupDetails({ conversation }: { conversation: Conversation }) {
  const t = useT();
  const navigate = useNavigate();
  const { me } = useEngine();
  const leave = useRemoveMember(conversation.id);
  const setAvatar = useSetAvatar(conversation.id);
  const [leaving, setLeaving] = useState(false);
  const lastOwner = leave.error && asApiError(leave.error).reason === "last_owner";
  const face = (
    <Avatar
      name={conversation.title}
      seed={conversation.id}
      src={conversationAvatar(conversation)}
      size="xl"
      icon={conversation.avatar_id ? undefined : <Users size={40} />}
    />
  );
  return (
    <div className="pb-4">
      <div className="flex flex-col items-center gap-2 p-4 text-center">
        {conversation.role === "member" ? (
          face
        ) : (
          <AvatarButton
            has={conversation.avatar_id !== undefined}
            busy={setAvatar.isPending}
            error={setAvatar.error ? t(errorKey(setAvatar.error)) : undefined}
            onChange={(picture, done) => {
              setAvatar.mutate(picture, { onSuccess: done });
            }}
          >
            {face}
          </AvatarButton>
        )}
        <GroupTitle conversation={conversation} />
        <p className="text-sm text-base-content/70">{t("chat.members", { count: conversation.members_count })}</p>
      </div>
      <div className="px-2">
        <DetailLinks conversation={conversation} />
        {conversation.role !== "member" && (
          <Link
            to="."
            search={(before) => ({ ...before, info: "add" as const })}
            className="flex items-center gap-3 rounded-box px-3 py-2 font-medium text-brand hover:bg-base-200"
          >
            <span className="flex size-10 items-center justify-center rounded-full bg-primary/15">
              <UserPlus size={20} />
            </span>
            {t("details.add")}
          </Link>
        )}
        <h3 className="px-3 pt-3 pb-1 text-sm font-semibold text-base-content/70">{t("details.members")}</h3>
        <MemberList conversation={conversation} />
        <button
          type="button"
          className="mt-3 flex w-full items-center gap-3 rounded-box px-3 py-2 font-medium text-danger hover:bg-base-200"
          onClick={() => {
            setLeaving(true);
          }}
        >
          <span className="flex size-10 items-center justify-center rounded-full bg-error/15">
            <LogOut size={20} />
          </span>
          {t("details.leave")}
        </button>
      </div>
      {leaving && (
        <Confirm
          title={t("details.leave.title", { title: conversation.title })}
          text={t("details.leave.text")}
          action={t("details.leave")}
          cancel={t("app.cancel")}
          busy={leave.isPending}
          error={lastOwner ? t("details.leave.lastOwner") : leave.error ? t(errorKey(leave.error)) : undefined}
          onClose={() => {
            leave.reset();
            setLeaving(false);
          }}
          onConfirm={() => {
            leave.mutate(me, { onSuccess: () => void navigate({ to: "/" }) });
          }}
        />
      )}
    </div>
  );
}
