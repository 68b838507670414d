import { cx } from "../lib/cx.ts";

/** The shape of rows that are being loaded. */
export function SkeletonRows({ count, label }: { count: number; label: string }) {
  return (
    <div role="status" aria-label={label}>
      {Array.from({ length: count }, (_, index) => (
        <div key={index} className="flex items-center gap-3 px-3 py-2">
          <div className="size-12 shrink-0 skeleton rounded-full" />
          <div className="flex-1 space-y-2">
            <div className={cx("skeleton h-4", index % 3 === 0 ? "w-1/2" : "w-2/5")} />
            <div className={cx("skeleton h-3", index % 2 === 0 ? "w-4/5" : "w-3/5")} />
          </div>
        </div>
      ))}
    </div>
  );
}

const widths = ["w-48", "w-64", "w-40", "w-56", "w-72", "w-36"];

/** The shape of messages that are being loaded. */
export function SkeletonMessages({ label }: { label: string }) {
  return (
    <div role="status" aria-label={label} className="flex h-full flex-col justify-end">
      <div className="mx-auto flex w-full max-w-4xl flex-col gap-2 p-4">
        {widths.map((width, index) => (
          <div
            key={width}
            className={cx("h-10 max-w-[80%] skeleton rounded-2xl", width, index % 3 === 2 ? "self-end" : "self-start")}
          />
        ))}
      </div>
    </div>
  );
}

/** The shape of a conversation that is being loaded: nothing moves when it is there. */
export function SkeletonConversation({ label }: { label: string }) {
  return (
    <div className="flex h-full flex-col bg-base-200">
      <div className="flex h-14 shrink-0 items-center gap-3 border-b border-base-300 bg-base-100 px-4">
        <div className="size-10 shrink-0 skeleton rounded-full" />
        <div className="flex-1 space-y-2">
          <div className="h-4 w-40 skeleton" />
          <div className="h-3 w-20 skeleton" />
        </div>
      </div>
      <div className="min-h-0 flex-1 overflow-hidden">
        <SkeletonMessages label={label} />
      </div>
      <div className="safe-bottom shrink-0 border-t border-base-300 bg-base-100">
        <div className="mx-auto max-w-4xl p-2">
          <div className="h-10 skeleton rounded-2xl" />
        </div>
      </div>
    </div>
  );
}
