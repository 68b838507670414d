import { Phone, PhoneIncoming, PhoneMissed, PhoneOutgoing, Video } from "lucide-react";
import { useLocale, useT } from "../../lib/i18n/i18n.ts";
import { fullTime, clock } from "../../lib/time.ts";
import { callText } from "../../sync/call-text.ts";
import { useNames } from "../../sync/queries.ts";
import { useEngine } from "../../sync/session-context.ts";
import type { CallEntry, Conversation } from "../../wire/types.ts";

interface CallLineProps {
  entry: CallEntry;
  conversation: Conversation;
  me: string;
}

function CallIcon({ entry: { call, sender_id }, me }: { entry: CallEntry; me: string }) {
  const look = { size: 16, "aria-hidden": true, className: "shrink-0 text-good" } as const;
  if (call.outcome !== "answered" && sender_id !== me)
    return <PhoneMissed {...look} className="shrink-0 text-danger" />;
  if (call.video) return <Video {...look} />;
  return sender_id === me ? <PhoneOutgoing {...look} /> : <PhoneIncoming {...look} />;
}

/** A call that is over: what became of it, and the way to call again. */
export function CallLine({ entry, conversation, me }: CallLineProps) {
  const t = useT();
  const locale = useLocale();
  const { calls } = useEngine();
  const [name = "…"] = useNames([entry.sender_id]);
  const direct = conversation.kind === "direct";
  const canCall = conversation.kind !== "channel" && !conversation.blocking && !conversation.blocked;
  return (
    <div className="mx-auto my-1 flex w-fit max-w-[90%] items-center gap-2 rounded-full border border-base-300 bg-base-100 py-1 ps-3 pe-1 text-sm">
      <CallIcon entry={entry} me={me} />
      <span title={fullTime(entry.at, locale)} className="min-w-0 truncate">
        {!direct && <bdi>{name}: </bdi>}
        {callText(entry, me, t)}
        <time dateTime={entry.at} className="ms-2 inline-block text-xs text-base-content/70">
          {clock(entry.at, locale)}
        </time>
      </span>
      {canCall ? (
        <button
          type="button"
          className="btn rounded-full btn-ghost btn-xs"
          onClick={() => {
            calls.wish({ conversationId: conversation.id, video: entry.call.video });
          }}
        >
          <Phone size={14} aria-hidden="true" />
          {entry.sender_id === me ? t("call.again") : t("call.back")}
        </button>
      ) : (
        <span className="pe-2" />
      )}
    </div>
  );
}
