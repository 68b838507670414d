import { type ReactNode, useState } from "react";
import { cx } from "../lib/cx.ts";

type Size = "xs" | "sm" | "md" | "lg" | "xl";

const sizes: Record<Size, string> = {
  xs: "size-5 text-[0.6rem]",
  sm: "size-8 text-xs",
  md: "size-10 text-sm",
  lg: "size-12 text-base",
  xl: "size-24 text-3xl",
};
/** Backgrounds that white letters are readable on, in every theme. */
const hues = [
  "bg-rose-700",
  "bg-orange-700",
  "bg-amber-700",
  "bg-lime-700",
  "bg-emerald-700",
  "bg-teal-700",
  "bg-cyan-700",
  "bg-blue-700",
  "bg-indigo-700",
  "bg-violet-700",
  "bg-fuchsia-700",
  "bg-pink-700",
];

function hueOf(seed: string): string {
  let hash = 0;
  for (let i = 0; i < seed.length; i += 1) hash = (hash * 31 + seed.charCodeAt(i)) | 0;
  return hues[Math.abs(hash) % hues.length] ?? "bg-blue-700";
}

/** "Ada Lovelace" is AL, "ada" is A. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) =>
    word === undefined ? "" : (Array.from(word)[0] ?? ""),
  );
  return letters.join("").toUpperCase();
}

interface AvatarProps {
  name: string;
  /** What the colour derives from: it should not change with the name. */
  seed: string;
  src?: string | undefined;
  size?: Size;
  online?: boolean | undefined;
  /** Shown instead of the picture and the initials. */
  icon?: ReactNode;
}

/** A person's or group's face. It is decoration: the name stands beside it. */
export function Avatar({ name, seed, src, size = "md", online, icon }: AvatarProps) {
  const [broken, setBroken] = useState<string>();
  return (
    <span className="relative inline-block shrink-0 select-none" aria-hidden="true">
      <span
        className={cx(
          "flex items-center justify-center overflow-hidden rounded-full font-semibold text-white",
          sizes[size],
          hueOf(seed),
        )}
      >
        {icon ??
          (src && src !== broken ? (
            <img
              src={src}
              alt=""
              draggable={false}
              className="size-full object-cover"
              onError={() => {
                setBroken(src);
              }}
            />
          ) : (
            initials(name)
          ))}
      </span>
      {online && (
        <span className="absolute right-0 bottom-0 size-[26%] max-h-4 min-h-2.5 max-w-4 min-w-2.5 rounded-full bg-green-500 forced-color-adjust-none ring-2 ring-base-100" />
      )}
    </span>
  );
}
