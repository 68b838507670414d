import { Bookmark } from "lucide-react";
import { useLocale, useT } from "../../lib/i18n/i18n.ts";
import { ago } from "../../lib/time.ts";
import { personName } from "../../sync/naming.ts";
import { usePresence, useUser } from "../../sync/queries.ts";
import { useEngine } from "../../sync/session-context.ts";
import { Avatar } from "../../ui/avatar.tsx";
import type { Conversation } from "../../wire/types.ts";
import { BlockButton } from "./block-button.tsx";
import { DetailLinks } from "./detail-links.tsx";

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div className="px-4 py-2">
      <dt className="text-xs text-base-content/70">{name}</dt>
      <dd dir="auto" className="whitespace-pre-wrap wrap-anywhere">
        {value}
      </dd>
    </div>
  );
}

/** The person one talks to. */
export function PersonDetails({ conversation }: { conversation: Conversation }) {
  const t = useT();
  const locale = useLocale();
  const { me } = useEngine();
  const fresh = useUser(conversation.peer?.id);
  const user = fresh ?? conversation.peer ?? undefined;
  const self = user?.id === me;
  const presence = usePresence(self ? undefined : user?.id);
  if (!user) return null;
  const since = presence?.last_seen_at;
  const status = presence?.online
    ? t("chat.online")
    : since
      ? t("chat.lastSeen", { when: ago(since, locale, { justNow: t("time.justNow") }) })
      : undefined;
  const name = self ? t("self.title") : personName(user);
  return (
    <>
      <div className="flex flex-col items-center gap-2 p-4 text-center">
        <Avatar
          name={name}
          seed={user.id}
          src={self ? undefined : user.avatar_url}
          size="xl"
          icon={self ? <Bookmark size={40} /> : undefined}
        />
        <h2 className="text-xl font-semibold wrap-anywhere">
          <bdi>{name}</bdi>
        </h2>
        {self && <p className="text-sm text-base-content/70">{t("new.self.text")}</p>}
        {!self && status !== undefined && <p className="text-sm text-base-content/70">{status}</p>}
      </div>
      <dl>
        <Fact name={t("details.username")} value={`@${user.username}`} />
        {user.bio !== "" && <Fact name={t("details.bio")} value={user.bio} />}
      </dl>
      <div className="px-2 pb-4">
        <DetailLinks conversation={conversation} />
        {!self && <BlockButton user={user} blocking={conversation.blocking ?? false} />}
      </div>
    </>
  );
}
