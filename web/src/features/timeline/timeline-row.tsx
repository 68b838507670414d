import type { Conversation } from "../../wire/types.ts";
import type { SystemItem } from "../../sync/fold.ts";
import type { TimelineActions } from "./actions.ts";
import { CallLine } from "./call-line.tsx";
import { Beginning, DayLine, NewLine } from "./lines.tsx";
import { MessageRowView } from "./message-row.tsx";
import type { MessageRow, Row } from "./rows.ts";
import { SeenFaces } from "./seen-by.tsx";
import { SystemLine } from "./system-line.tsx";

interface TimelineRowProps {
  row: Row;
  conversation: Conversation;
  me: string;
  actions: TimelineActions;
  flash: boolean;
  /** Who has seen everything up to here, below the newest message. */
  readers: readonly string[];
}

function MessageLine({ row, conversation, me, actions, flash, readers }: TimelineRowProps & { row: MessageRow }) {
  return (
    <article tabIndex={-1} data-seq={row.message.seq} className="rounded-lg focus-visible:outline-offset-[-2px]">
      <MessageRowView
        row={row}
        me={me}
        named={conversation.kind !== "direct"}
        receipts={row.message.sender_id === me ? conversation.receipts : noReceipts}
        actions={actions}
        flash={flash}
      />
      {readers.length > 0 && (
        <SeenFaces
          readers={readers}
          onOpen={() => {
            actions.showSeenBy(row.message);
          }}
        />
      )}
    </article>
  );
}

function WhatHappened({ item, conversation, me }: { item: SystemItem; conversation: Conversation; me: string }) {
  const { entry } = item;
  return entry.kind === "call" ? (
    <CallLine entry={entry} conversation={conversation} me={me} />
  ) : (
    <SystemLine entry={entry} />
  );
}

/** One line of a conversation, whatever it is. */
export function TimelineRow(props: TimelineRowProps) {
  const { row, conversation, me } = props;
  return (
    <div className="mx-auto w-full max-w-4xl">
      {row.kind === "start" && <Beginning conversation={conversation} me={me} />}
      {row.kind === "day" && <DayLine at={row.at} />}
      {row.kind === "new" && <NewLine />}
      {row.kind === "system" && <WhatHappened item={row.item} conversation={conversation} me={me} />}
      {row.kind === "message" && <MessageLine {...props} row={row} />}
    </div>
  );
}

const noReceipts: Conversation["receipts"] = [];
