import { createContext, use } from "react";
import { useStore } from "zustand";
import type { Engine } from "./engine.ts";
import type { SessionKeeper, SessionState } from "./session.ts";

export const SessionContext = createContext<SessionKeeper | null>(null);

export function useSessionKeeper(): SessionKeeper {
  const keeper = use(SessionContext);
  if (!keeper) throw new Error("no SessionContext above");
  return keeper;
}

export function useSessionState(): SessionState {
  return useStore(useSessionKeeper().state);
}

const EngineContext = createContext<Engine | null>(null);
export const EngineProvider = EngineContext.Provider;

/** The engine of the signed-in person; only below the signed-in part of the page. */
export function useEngine(): Engine {
  const engine = use(EngineContext);
  if (!engine) throw new Error("no EngineProvider above");
  return engine;
}
