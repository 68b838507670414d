import { create } from "zustand";
import { currentT, onLocale } from "../lib/i18n/i18n.ts";

/** The version that waits to be used, if there is one. */
export const useUpdate = create<{ waiting: ServiceWorker | null }>(() => ({ waiting: null }));

const address = "/sw.js";
/** How often a page that stays open asks for a new version. */
const askAgainMs = 3_600_000;

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL: (url: string) => string },
  ): {
    createScriptURL(url: string): unknown;
  };
}

/** The address of the worker in the form that the content security policy asks for: this is the only script that is named by a string. */
function trustedAddress(): string {
  const types = (window as { trustedTypes?: TrustedTypes }).trustedTypes;
  if (!types) return address;
  const policy = types.createPolicy("parley", {
    createScriptURL: (url) => {
      if (url !== address) throw new TypeError(`not a script of this page: ${url}`);
      return url;
    },
  });
  return policy.createScriptURL(address) as string;
}

function watch(registration: ServiceWorkerRegistration | undefined): void {
  // Some browsers, told to allow no workers, answer with nothing.
  if (!registration) return;
  const look = (): void => {
    // The first worker of all has nobody to take over from.
    if (registration.waiting && navigator.serviceWorker.controller) {
      useUpdate.setState({ waiting: registration.waiting });
    }
  };
  look();
  registration.addEventListener("updatefound", () => {
    registration.installing?.addEventListener("statechange", look);
  });
  const ask = (): void => {
    // Without a network there is no news.
    registration.update().catch(() => undefined);
  };
  setInterval(ask, askAgainMs);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") ask();
  });
}

/** Leaves the worker the words for what it shows while no page is open. */
async function leaveWords(): Promise<void> {
  const t = currentT();
  const words = {
    app: t("app.name"),
    message: t("notify.plain"),
    test: t("notify.test"),
    ring: t("call.notify"),
    // The worker puts the name in.
    ringOf: t("call.title", { name: "{name}" }),
    missed: t("call.notifyMissed"),
    missedOf: t("call.missedFrom", { name: "{name}" }),
    over: t("call.notifyOver"),
  };
  const cache = await caches.open("parley-words");
  await cache.put("/words.json", new Response(JSON.stringify(words)));
}

/** Keeps the client on the device, where the browser can. `open` shows a page of the client. */
export function startWorker(open: (path: unknown) => void): void {
  const container = (navigator as Partial<Navigator>).serviceWorker;
  if (!container || !import.meta.env.PROD) return;
  // The first worker takes the page over as it is; after that a new one means a new version.
  let hasOne = container.controller !== null;
  container.addEventListener("controllerchange", () => {
    if (hasOne) location.reload();
    hasOne = true;
  });
  container.addEventListener("message", ({ data }: MessageEvent<{ type?: string; path?: unknown }>) => {
    if (data.type === "open") open(data.path);
  });
  const say = (): void => {
    leaveWords().catch(() => undefined);
  };
  say();
  onLocale(say);
  // Without it (a full device, a private window) everything works but the start without a network.
  container.register(trustedAddress()).then(watch, () => undefined);
}

/** Uses the new version now: the page is loaded anew with it. */
export function takeNewVersion(worker: ServiceWorker): void {
  worker.postMessage({ type: "take-over" });
}
