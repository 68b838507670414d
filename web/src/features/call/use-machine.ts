import { useEffect, useState, useSyncExternalStore } from "react";
import { useEngine } from "../../sync/session-context.ts";
import type { CallMachine } from "./call-machine.ts";
import type { CallView } from "./call-view.ts";
import { openMachine } from "./open-machine.ts";

/** The machine of this page, as long as somebody is signed in. */
export function useMachine(): { machine: CallMachine; view: CallView } {
  const engine = useEngine();
  const [machine] = useState(() => openMachine(engine));
  useEffect(() => {
    const leave = (): void => {
      machine.close();
    };
    const detach = engine.calls.attach(machine.hear);
    window.addEventListener("pagehide", leave);
    return () => {
      detach();
      window.removeEventListener("pagehide", leave);
      machine.close();
    };
  }, [engine, machine]);
  return { machine, view: useSyncExternalStore(machine.subscribe, machine.getSnapshot) };
}
