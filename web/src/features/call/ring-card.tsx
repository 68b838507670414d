import { Phone, PhoneOff, Video } from "lucide-react";
import { useEffect, useRef } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import { Avatar } from "../../ui/avatar.tsx";
import type { CallMachine } from "./call-machine.ts";
import type { CallView } from "./call-view.ts";
import { RoundButton } from "./round-button.tsx";
import { usePerson, useWith } from "./use-who.ts";

function isTyping(): boolean {
  const { activeElement } = document;
  return activeElement instanceof HTMLElement && activeElement.matches("input, textarea, select, [contenteditable]");
}

/** Somebody calls: who, with or without a picture, and what to do about it. */
export function RingCard({ view, machine }: { view: CallView; machine: CallMachine }) {
  const t = useT();
  const ref = useRef<HTMLDivElement>(null);
  const { group, face } = useWith(view.conversationId);
  const caller = usePerson(view.callerId);
  const shown = group ? face : caller;
  useEffect(() => {
    // Whoever writes goes on writing: no key they press answers the call.
    if (!isTyping()) ref.current?.focus({ preventScroll: true });
  }, []);
  const kind = view.video ? t("call.incomingVideo") : t("call.incomingVoice");
  return (
    <div
      ref={ref}
      role="alertdialog"
      aria-labelledby="ring-who"
      aria-describedby="ring-what"
      tabIndex={-1}
      className="fixed inset-0 z-40 flex flex-col items-center justify-between gap-6 bg-base-100 p-6 text-base-content focus:outline-none md:inset-x-0 md:top-4 md:bottom-auto md:mx-auto md:w-96 md:rounded-box md:border md:border-base-300 md:shadow-xl short:safe-inset-x short:safe-inset-top short:bottom-auto short:mx-auto short:max-h-[calc(100dvh-2rem)] short:w-auto short:max-w-2xl short:flex-row short:overflow-y-auto short:rounded-box short:border short:border-base-300 short:p-4 short:shadow-xl"
    >
      <div className="flex min-w-0 flex-1 flex-col items-center justify-center gap-2 text-center">
        <span className="ring-pulse rounded-full">
          <Avatar name={shown.name} seed={shown.seed} src={shown.src} size="xl" />
        </span>
        <h2 id="ring-who" className="mt-3 line-clamp-4 text-xl font-semibold wrap-anywhere short:line-clamp-2">
          <bdi>{shown.name}</bdi>
        </h2>
        <p id="ring-what" className="text-base-content/70">
          {group ? t("call.from", { name: caller.name, kind }) : kind}
        </p>
        {view.trouble && (
          <p role="alert" className="mt-2 text-sm text-danger">
            {t(`call.trouble.${view.trouble}`)}
          </p>
        )}
      </div>
      <div className="safe-bottom flex w-full items-start justify-evenly short:w-auto short:shrink-0 short:gap-4 short:p-0">
        <RoundButton
          label={t("call.decline")}
          tone="stop"
          icon={<PhoneOff size={24} />}
          onClick={() => {
            machine.decline();
          }}
        />
        {view.video && (
          <RoundButton
            label={t("call.acceptVideo")}
            tone="go"
            disabled={view.busy}
            icon={<Video size={24} />}
            onClick={() => void machine.accept(true)}
          />
        )}
        <RoundButton
          label={view.video ? t("call.acceptVoice") : t("call.accept")}
          tone={view.video ? "plain" : "go"}
          disabled={view.busy}
          icon={<Phone size={24} />}
          onClick={() => void machine.accept(false)}
        />
      </div>
    </div>
  );
}
