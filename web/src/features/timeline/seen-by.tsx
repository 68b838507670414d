import { useT } from "../../lib/i18n/i18n.ts";
import { personName } from "../../sync/naming.ts";
import { useMessageReceipts, useUser } from "../../sync/queries.ts";
import { Avatar } from "../../ui/avatar.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import type { Message } from "../../wire/types.ts";

function Reader({ id }: { id: string }) {
  const user = useUser(id);
  return (
    <li className="flex items-center gap-3 py-1.5">
      <Avatar name={personName(user)} seed={id} src={user?.avatar_url} size="sm" />
      <bdi className="truncate">{personName(user)}</bdi>
    </li>
  );
}

/** Who has seen a message of a group. */
export function SeenBy({ message, onClose }: { message: Message; onClose: () => void }) {
  const t = useT();
  const { data } = useMessageReceipts(message.conversation_id, message.seq);
  const readers = data?.seen.filter((id) => id !== message.sender_id);
  return (
    <Dialog title={t("message.seenBy")} onClose={onClose} className="max-w-xs">
      {readers === undefined && <SkeletonRows count={2} label={t("app.loading")} />}
      {readers?.length === 0 && <p className="text-base-content/70">{t("message.seenBy.nobody")}</p>}
      <ul>
        {readers?.map((id) => (
          <Reader key={id} id={id} />
        ))}
      </ul>
      <div className="modal-action">
        <button type="button" className="btn" onClick={onClose}>
          {t("app.close")}
        </button>
      </div>
    </Dialog>
  );
}

const faces = 4;

function Face({ id }: { id: string }) {
  const user = useUser(id);
  return <Avatar name={personName(user)} seed={id} src={user?.avatar_url} size="xs" />;
}

interface SeenFacesProps {
  readers: readonly string[];
  onOpen: () => void;
}

/** Below one's own newest message of a group: the faces of those who have seen it. */
export function SeenFaces({ readers, onOpen }: SeenFacesProps) {
  const t = useT();
  if (readers.length === 0) return null;
  return (
    <button
      type="button"
      aria-label={t("message.seenBy.count", { count: readers.length })}
      title={t("message.seenBy.count", { count: readers.length })}
      className="ms-auto me-4 mt-1 flex w-fit items-center gap-1 text-xs text-base-content/70"
      onClick={onOpen}
    >
      <span className="flex -space-x-1">
        {readers.slice(0, faces).map((id) => (
          <Face key={id} id={id} />
        ))}
      </span>
      {readers.length > faces && <span>+{readers.length - faces}</span>}
    </button>
  );
}
