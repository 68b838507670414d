import { cx } from "../lib/cx.ts";

/** The shape of rows that are being loaded. */
export function SkeletonRows({ count, label }: { count: number; label: string }) {
  return (
    <div role="status" aria-label={label}>
      {Array.from({ length: count }, (_, index) => (
        <div key={index} className="flex items-center gap-3 px-3 py-2">
          <div className="skeleton size-12 shrink-0 rounded-full" />
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
    <div role="status" aria-label={label} className="flex h-full flex-col justify-end gap-2 p-4">
      {widths.map((width, index) => (
        <div
          key={width}
          className={cx("skeleton h-10 max-w-[80%] rounded-2xl", width, index % 3 === 2 ? "self-end" : "self-start")}
        />
      ))}
    </div>
  );
}
