import { EllipsisVertical } from "lucide-react";
import { useState } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import { IconButton } from "../../ui/icon-button.tsx";
import { type MenuItem, type Point, pointBelow } from "../../ui/menu.tsx";
import type { Conversation } from "../../wire/types.ts";
import { ConversationMenu } from "./conversation-menu.tsx";

/** The menu of the conversation that is open. */
export function MoreButton({ conversation, first }: { conversation: Conversation; first: readonly MenuItem[] }) {
  const t = useT();
  const [at, setAt] = useState<Point>();
  return (
    <>
      <IconButton
        label={t("list.actions")}
        icon={<EllipsisVertical size={20} />}
        aria-haspopup="menu"
        onClick={(event) => {
          setAt(pointBelow(event.currentTarget));
        }}
      />
      {at && (
        <ConversationMenu
          conversation={conversation}
          at={at}
          first={first}
          onClose={() => {
            setAt(undefined);
          }}
        />
      )}
    </>
  );
}
