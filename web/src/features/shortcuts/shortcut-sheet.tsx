import { Fragment } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import type { MessageKey } from "../../lib/i18n/en.ts";
import { Dialog } from "../../ui/dialog.tsx";

type Shortcut = readonly [keys: string, what: MessageKey];

/** "Mod" is Ctrl, or ⌘ on a Mac. Keys of one press are joined by "+", alternatives by a blank. */
const groups: readonly { title: MessageKey; shortcuts: readonly Shortcut[] }[] = [
  {
    title: "keys.anywhere",
    shortcuts: [
      ["Mod+K", "keys.switcher"],
      ["Alt+↑ Alt+↓", "keys.neighbour"],
      ["Esc", "keys.close"],
      ["?", "keys.sheet"],
    ],
  },
  {
    title: "keys.writing",
    shortcuts: [
      ["Enter", "keys.send"],
      ["Shift+Enter", "keys.newLine"],
      ["↑", "keys.editLast"],
      [":", "keys.emoji"],
    ],
  },
  {
    title: "keys.messages",
    shortcuts: [
      ["↑ ↓", "keys.walk"],
      ["Enter", "keys.menu"],
      ["R", "message.reply"],
      ["E", "message.edit"],
      ["F", "message.forward"],
      ["Del", "message.delete"],
    ],
  },
  {
    title: "keys.picture",
    shortcuts: [
      ["← →", "keys.pictures"],
      ["+ - 0", "keys.zoom"],
    ],
  },
  {
    title: "keys.call",
    shortcuts: [
      ["M", "call.mute"],
      ["V", "call.toggleCamera"],
      ["Esc", "call.minimise"],
    ],
  },
];

function Keys({ keys }: { keys: string }) {
  const mod = navigator.platform.startsWith("Mac") ? "⌘" : "Ctrl";
  return keys.split(" ").map((press, index) => (
    <Fragment key={press}>
      {index > 0 && <span className="px-1 text-base-content/70">/</span>}
      {(press === "+" ? [press] : press.split("+")).map((key) => (
        <kbd key={key} className="kbd kbd-sm">
          {key === "Mod" ? mod : key}
        </kbd>
      ))}
    </Fragment>
  ));
}

/** What can be done by keyboard. */
export function ShortcutSheet({ onClose }: { onClose: () => void }) {
  const t = useT();
  return (
    <Dialog title={t("keys.title")} onClose={onClose} className="max-w-2xl">
      <div className="grid gap-x-10 gap-y-5 md:grid-cols-2">
        {groups.map((group) => (
          <section key={group.title}>
            <h3 className="mb-1 text-sm font-semibold text-base-content/70">{t(group.title)}</h3>
            <dl>
              {group.shortcuts.map(([keys, what]) => (
                <div key={keys + what} className="flex items-center justify-between gap-4 py-1 text-sm">
                  <dt>{t(what)}</dt>
                  <dd dir="ltr" className="shrink-0">
                    <Keys keys={keys} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <div className="modal-action">
        <button type="button" className="btn" onClick={onClose}>
          {t("app.close")}
        </button>
      </div>
    </Dialog>
  );
}
