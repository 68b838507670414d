import { Phone, PhoneCall, Video } from "lucide-react";
import { useSyncExternalStore } from "react";
import { cx } from "../../lib/cx.ts";
import { useT } from "../../lib/i18n/i18n.ts";
import { isSelf } from "../../sync/naming.ts";
import { useEngine } from "../../sync/session-context.ts";
import { IconButton } from "../../ui/icon-button.tsx";
import { toast } from "../../ui/toasts.tsx";
import { limits } from "../../wire/events.gen.ts";
import type { Conversation } from "../../wire/types.ts";

interface CallChoice {
  /** What the person is told instead of calling. */
  forbidden: string | undefined;
  /** A call goes on here, in which this tab is not. */
  joinable: boolean;
  call: (video: boolean) => void;
}

/** How one calls in a conversation; null where there are no calls. */
export function useCallChoice(conversation: Conversation | null | undefined): CallChoice | null {
  const t = useT();
  const { calls, me } = useEngine();
  const known = useSyncExternalStore(calls.subscribe, calls.getSnapshot);
  if (!conversation || conversation.kind === "channel" || isSelf(conversation, me)) return null;
  if (conversation.members_count > limits.callMembers) return null;
  const { id, blocking, blocked } = conversation;
  const elsewhere = known.mine !== undefined && known.mine !== id;
  const forbidden = blocking
    ? t("call.youBlock")
    : blocked
      ? t("call.theyBlock")
      : elsewhere
        ? t("call.oneAtATime")
        : undefined;
  const going = known.byConversation.get(id);
  return {
    forbidden,
    joinable: known.mine === undefined && conversation.kind === "group" && going !== undefined,
    call: (video) => {
      if (forbidden !== undefined) toast(forbidden);
      else calls.wish({ conversationId: id, video });
    },
  };
}

/** Above a conversation: to call, or to join the call that goes on. */
export function CallButtons({ conversation }: { conversation: Conversation }) {
  const t = useT();
  const choice = useCallChoice(conversation);
  if (!choice) return null;
  const { forbidden, joinable, call } = choice;
  const off = forbidden === undefined ? "" : "opacity-50";
  const why = (label: string): string => (forbidden === undefined ? label : `${label}: ${forbidden}`);
  if (joinable) {
    return (
      <button
        type="button"
        className="btn rounded-full btn-sm btn-success"
        onClick={() => {
          call(false);
        }}
      >
        <PhoneCall size={16} aria-hidden="true" />
        {t("call.join")}
      </button>
    );
  }
  return (
    <>
      <IconButton
        label={why(t("call.voice"))}
        icon={<Phone size={20} />}
        aria-disabled={forbidden !== undefined}
        className={off}
        onClick={() => {
          call(false);
        }}
      />
      <IconButton
        label={why(t("call.video"))}
        icon={<Video size={20} />}
        aria-disabled={forbidden !== undefined}
        // On a phone it is in the menu.
        className={cx("max-md:hidden", off)}
        onClick={() => {
          call(true);
        }}
      />
    </>
  );
}
