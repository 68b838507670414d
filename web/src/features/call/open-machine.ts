import type { Engine } from "../../sync/engine.ts";
import { CallMachine } from "./call-machine.ts";
import { BrowserMedia } from "./local-media.ts";
import { BrowserPeer } from "./peer.ts";

/** The ids of calls and of this page in them are UUIDs; crypto.randomUUID exists on secure pages only. */
function newId(): string {
  if ("randomUUID" in crypto) return crypto.randomUUID();
  const bytes = (crypto as Crypto).getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** What carries out calls on this page, with the browser's own microphone, camera and connections. */
export function openMachine(engine: Engine): CallMachine {
  return new CallMachine({
    line: engine.calls,
    me: engine.me,
    openMedia: (parts) =>
      new BrowserMedia({
        ...parts,
        // Missing on pages that are not secure, whatever the type says.
        devices: (navigator as Partial<Navigator>).mediaDevices,
        storage: localStorage,
      }),
    openPeer: (parts) => new BrowserPeer(parts),
    now: Date.now,
    later: (ms, task) => {
      const timer = setTimeout(task, ms);
      return () => {
        clearTimeout(timer);
      };
    },
    newId,
    onMine: (id) => {
      engine.calls.setMine(id);
    },
  });
}
