import { Copy, Link2, Trash2 } from "lucide-react";
import { type SubmitEvent, useState } from "react";
import { useLocale, useT } from "../../lib/i18n/i18n.ts";
import type { MessageKey } from "../../lib/i18n/en.ts";
import { fullTime } from "../../lib/time.ts";
import { errorKey } from "../../sync/error-text.ts";
import { useCreateInvite, useInvites, useRevokeInvite } from "../../sync/group-queries.ts";
import { personName } from "../../sync/naming.ts";
import { IconButton } from "../../ui/icon-button.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { toast } from "../../ui/toasts.tsx";
import type { Invite } from "../../wire/types.ts";

const day = 86_400;
const lives: readonly { seconds: number; label: MessageKey }[] = [
  { seconds: day, label: "invite.day" },
  { seconds: 7 * day, label: "invite.week" },
  { seconds: 30 * day, label: "invite.month" },
  { seconds: 0, label: "invite.never" },
];
const uses = [0, 1, 10, 100] as const;

function InviteRow({ invite, onRevoke }: { invite: Invite; onRevoke: () => void }) {
  const t = useT();
  const locale = useLocale();
  const used =
    invite.max_uses > 0
      ? t("invite.usedOf", { count: invite.uses, most: invite.max_uses })
      : t("invite.used", { count: invite.uses });
  return (
    <li className="flex items-center gap-3 rounded-box px-3 py-2 hover:bg-base-200">
      <Link2 size={18} className="shrink-0 text-base-content/70" aria-hidden="true" />
      <span className="min-w-0 flex-1 text-sm">
        <span className="block truncate font-medium">{t("invite.by", { name: personName(invite.created_by) })}</span>
        <span className="block text-xs text-base-content/70">
          {invite.expires_at ? t("invite.until", { when: fullTime(invite.expires_at, locale) }) : t("invite.never")}
          {" · "}
          {used}
        </span>
      </span>
      <IconButton label={t("invite.revoke")} icon={<Trash2 size={16} />} onClick={onRevoke} />
    </li>
  );
}

/** The links that let people in: a new one, and those that still work. */
export function Invites({ conversationId }: { conversationId: string }) {
  const t = useT();
  const invites = useInvites(conversationId);
  const create = useCreateInvite(conversationId);
  const revoke = useRevokeInvite(conversationId);
  const [life, setLife] = useState(7 * day);
  const [most, setMost] = useState(0);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    create.mutate({ expires_in_seconds: life, max_uses: most });
  };
  const copy = async (url: string): Promise<void> => {
    await navigator.clipboard.writeText(url);
    toast(t("app.copied"));
  };
  return (
    <div className="min-h-0 flex-1 overflow-y-auto p-3">
      <form onSubmit={submit} className="space-y-3 rounded-box bg-base-200 p-3">
        <label className="flex items-center justify-between gap-3 text-sm">
          {t("invite.life")}
          <select
            aria-label={t("invite.life")}
            className="select w-40 select-sm"
            value={life}
            onChange={(event) => {
              setLife(Number(event.target.value));
            }}
          >
            {lives.map(({ seconds, label }) => (
              <option key={seconds} value={seconds}>
                {t(label)}
              </option>
            ))}
          </select>
        </label>
        <label className="flex items-center justify-between gap-3 text-sm">
          {t("invite.most")}
          <select
            aria-label={t("invite.most")}
            className="select w-40 select-sm"
            value={most}
            onChange={(event) => {
              setMost(Number(event.target.value));
            }}
          >
            {uses.map((count) => (
              <option key={count} value={count}>
                {count === 0 ? t("invite.unlimited") : t("invite.people", { count })}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" className="btn btn-block btn-primary btn-sm" disabled={create.isPending}>
          {t("invite.create")}
        </button>
        {create.error && (
          <p role="alert" className="text-sm text-danger">
            {t(errorKey(create.error))}
          </p>
        )}
      </form>
      {create.data && (
        <div className="mt-3 rounded-box border border-primary/50 p-3">
          <p className="mb-1 text-sm font-medium">{t("invite.fresh")}</p>
          <div className="flex items-center gap-1">
            <input
              readOnly
              dir="ltr"
              aria-label={t("invite.link")}
              className="input input-sm min-w-0 flex-1 font-mono text-xs"
              value={create.data.url}
              onFocus={(event) => {
                event.target.select();
              }}
            />
            <IconButton label={t("invite.copy")} icon={<Copy size={16} />} onClick={() => void copy(create.data.url)} />
          </div>
          <p className="mt-1 text-xs text-base-content/70">{t("invite.once")}</p>
        </div>
      )}
      <h3 className="px-1 pt-4 pb-1 text-sm font-semibold text-base-content/70">{t("invite.live")}</h3>
      {invites.isPending && <SkeletonRows count={2} label={t("app.loading")} />}
      <ul>
        {invites.data?.map((invite) => (
          <InviteRow
            key={invite.id}
            invite={invite}
            onRevoke={() => {
              revoke.mutate(invite.id, {
                onSuccess: () => {
                  if (create.data?.id === invite.id) create.reset();
                },
                onError: (error) => {
                  toast(t(errorKey(error)), "error");
                },
              });
            }}
          />
        ))}
        {invites.data?.length === 0 && <li className="px-1 py-3 text-sm text-base-content/70">{t("invite.none")}</li>}
      </ul>
    </div>
  );
}
