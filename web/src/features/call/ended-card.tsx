import { PhoneOff, X } from "lucide-react";
import { useT } from "../../lib/i18n/i18n.ts";
import { errorKey } from "../../sync/error-text.ts";
import { IconButton } from "../../ui/icon-button.tsx";
import type { CallMachine } from "./call-machine.ts";
import type { CallView } from "./call-view.ts";
import { useWith } from "./use-who.ts";

/** Says that the call is over, or why there was none. */
export function EndedCard({ view, machine }: { view: CallView; machine: CallMachine }) {
  const t = useT();
  const { face } = useWith(view.conversationId);
  const text = view.trouble
    ? t(`call.trouble.${view.trouble}`)
    : view.ending
      ? t(`call.ended.${view.ending}`)
      : t(errorKey(view.refused));
  return (
    <section
      role="alert"
      className="safe-aside fixed start-3 z-30 flex items-start gap-3 rounded-box border border-base-300 bg-base-100 p-3 text-base-content shadow-xl md:start-auto md:w-96"
    >
      <span className="flex size-10 shrink-0 items-center justify-center rounded-full bg-base-300">
        <PhoneOff size={18} aria-hidden="true" />
      </span>
      <div className="min-w-0 flex-1">
        <bdi className="block truncate font-semibold">{face.name}</bdi>
        <p className="text-sm">{text}</p>
      </div>
      <IconButton
        label={t("app.close")}
        className="pointer-coarse:size-11"
        icon={<X size={18} />}
        onClick={() => {
          machine.dismiss();
        }}
      />
    </section>
  );
}
