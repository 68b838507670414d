import { useNavigate } from "@tanstack/react-router";
import { Search } from "lucide-react";
import { useMemo, useState } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import { errorKey } from "../../sync/error-text.ts";
import { useCreateConversation, useRemoveMember, useSetRole } from "../../sync/mutations.ts";
import { personName } from "../../sync/naming.ts";
import { useFoundMembers, useMembers } from "../../sync/queries.ts";
import { useEngine } from "../../sync/session-context.ts";
import { Confirm } from "../../ui/dialog.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { toast } from "../../ui/toasts.tsx";
import { useSettled } from "../../ui/use-settled.ts";
import type { Conversation, User } from "../../wire/types.ts";
import { MemberRow } from "./member-row.tsx";
import { MemberRows } from "./member-rows.tsx";

/** In a group of more people than this one looks for somebody by name. */
const searchFrom = 15;
/** So many shapes fill any screen. */
const mostShapes = 12;

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
  const [text, setText] = useState("");
  const searchable = conversation.members_count > searchFrom;
  const query = useSettled(text.trim());
  const found = useFoundMembers(conversation.id, query, searchable);
  const shown = useMemo(
    () => (query === "" ? (members.data?.pages ?? []).flatMap((page) => page.items) : (found.data ?? [])),
    [query, members.data, found.data],
  );
  const tell = (error: Error): void => {
    toast(t(errorKey(error)), "error");
  };
  if (members.isPending) {
    // As many as will be there: what stands below them does not move.
    return <SkeletonRows count={Math.min(conversation.members_count, mostShapes)} label={t("app.loading")} />;
  }
  return (
    <>
      {members.isError && (
        <p role="alert" className="px-4 text-sm text-danger">
          {t(errorKey(members.error))}
        </p>
      )}
      {searchable && (
        <label className="input mx-3 mb-1 w-auto">
          <Search size={16} aria-hidden="true" />
          <span className="sr-only">{t("details.find")}</span>
          <input
            type="search"
            value={text}
            placeholder={t("details.find")}
            onChange={(event) => {
              setText(event.target.value);
            }}
          />
        </label>
      )}
      <MemberRows
        key={query}
        label={t("details.members")}
        members={shown}
        onEnd={
          query === "" && members.hasNextPage && !members.isFetching ? () => void members.fetchNextPage() : undefined
        }
      >
        {(member) => (
          <MemberRow
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
        )}
      </MemberRows>
      {query !== "" && found.isSuccess && shown.length === 0 && (
        <p role="status" className="p-4 text-center text-sm text-base-content/70">
          {t("switcher.none")}
        </p>
      )}
      {members.isFetchingNextPage && <SkeletonRows count={1} label={t("app.loading")} />}
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
