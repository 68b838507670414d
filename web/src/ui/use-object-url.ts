import { useCallback, useSyncExternalStore } from "react";

interface Shown {
  url: string;
  users: number;
}
const shown = new Map<Blob, Shown>();

function take(blob: Blob): void {
  const known = shown.get(blob);
  if (known) known.users += 1;
  else shown.set(blob, { url: URL.createObjectURL(blob), users: 1 });
}

function release(blob: Blob): void {
  const known = shown.get(blob);
  if (!known) return;
  known.users -= 1;
  if (known.users > 0) return;
  URL.revokeObjectURL(known.url);
  shown.delete(blob);
}

/** An address under which the page can show a file of its own; given back when nobody shows it any more. */
export function useObjectUrl(blob: Blob | undefined): string | undefined {
  const subscribe = useCallback(
    (changed: () => void) => {
      if (!blob) return () => undefined;
      take(blob);
      changed();
      return () => {
        release(blob);
      };
    },
    [blob],
  );
  return useSyncExternalStore(subscribe, () => (blob ? shown.get(blob)?.url : undefined));
}
