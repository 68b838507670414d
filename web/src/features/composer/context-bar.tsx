import { Pencil, Reply, X } from "lucide-react";
import type { ReactNode } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import { personName } from "../../sync/naming.ts";
import { previewOf } from "../../sync/preview.ts";
import { useMessageAt, useUser } from "../../sync/queries.ts";
import { IconButton } from "../../ui/icon-button.tsx";

interface BarProps {
  icon: ReactNode;
  title: string;
  text: string;
  closeLabel: string;
  onClose: () => void;
}

function Bar({ icon, title, text, closeLabel, onClose }: BarProps) {
  return (
    <div className="flex items-center gap-3 px-3 pt-2">
      <span className="text-brand">{icon}</span>
      <div className="min-w-0 flex-1 border-s-3 border-primary ps-2 text-sm">
        <bdi className="block truncate font-semibold text-brand">{title}</bdi>
        <bdi className="block truncate text-base-content/70">{text}</bdi>
      </div>
      <IconButton label={closeLabel} icon={<X size={18} />} onClick={onClose} />
    </div>
  );
}

interface ContextBarProps {
  conversationId: string;
  replyTo: number | undefined;
  editing: number | undefined;
  onClose: () => void;
}

/** Above the composer: what is replied to, or what is edited. */
export function ContextBar({ conversationId, replyTo, editing, onClose }: ContextBarProps) {
  const seq = editing ?? replyTo;
  if (seq === undefined) return null;
  return <Filled conversationId={conversationId} seq={seq} isEdit={editing !== undefined} onClose={onClose} />;
}

function Filled({
  conversationId,
  seq,
  isEdit,
  onClose,
}: {
  conversationId: string;
  seq: number;
  isEdit: boolean;
  onClose: () => void;
}) {
  const t = useT();
  const message = useMessageAt(conversationId, seq);
  const sender = useUser(message?.sender_id);
  const text = message ? previewOf(message, t) : "…";
  return isEdit ? (
    <Bar
      icon={<Pencil size={18} />}
      title={t("composer.editing")}
      text={text}
      closeLabel={t("composer.cancelEdit")}
      onClose={onClose}
    />
  ) : (
    <Bar
      icon={<Reply size={18} />}
      title={t("composer.replying", { name: personName(sender) })}
      text={text}
      closeLabel={t("composer.cancelReply")}
      onClose={onClose}
    />
  );
}
