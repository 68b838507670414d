// The service worker: keeps the client's own files on the device, so that it starts
// without a network, and shows what the server pushes while no page is open.
// It never touches the API: what was said is in IndexedDB, and only there.
//
// The build puts the list of files in (vite.config.ts); a new build is a new list, so
// browsers see a new worker. It waits until the person agrees or all pages are closed.

/** @type {{ version: string, files: string[] }} */
const build = __BUILD__;
const cacheName = `parley-files-${build.version}`;
/** Addresses of the server that are no pages of the client. */
const served = /^\/(?:api|socket\.io|docs|healthz|readyz|metrics)(?:\/|$)/;
const wordsAddress = "/words.json";

async function install() {
  const cache = await caches.open(cacheName);
  await Promise.all(
    build.files.map(async (file) => {
      // A file with a hash in its name that an older version has is the same file.
      const known = file.startsWith("/assets/") ? await caches.match(file) : undefined;
      const answer = known ?? (await fetch(file, { cache: "no-cache" }));
      if (!answer.ok) throw new Error(`${file}: ${answer.status}`);
      await cache.put(file, answer);
    }),
  );
}

async function activate() {
  const names = await caches.keys();
  await Promise.all(
    names.filter((name) => name.startsWith("parley-files-") && name !== cacheName).map((name) => caches.delete(name)),
  );
  await self.clients.claim();
}

/** From the device; a file that is not there (a browser may drop it) from the network. */
async function fromDevice(address, request) {
  const cache = await caches.open(cacheName);
  return (await cache.match(address)) ?? fetch(request);
}

/** The words of the chosen language, which a page left here. */
async function words() {
  const kept = await caches.match(wordsAddress);
  return { ...english, ...(kept ? await kept.json() : {}) };
}

/** Until a page has left its own. */
const english = {
  app: "Parley",
  message: "New message",
  test: "Notifications work.",
  ring: "Somebody is calling",
  ringOf: "{name} is calling…",
  missed: "Missed call",
  missedOf: "Missed call from {name}",
  over: "It rings no more",
};

/** After what time a device ends ringing by itself: the server's word of it comes first, as a rule. */
const ringsOnMs = 5_000;

const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Takes the ringing of a call away, or what tells of it where nobody looks at a page: browsers want something to be shown there. */
async function endRinging(shown, tag, path, said) {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  if (pages.some((page) => page.visibilityState === "visible")) shown.forEach((one) => one.close());
  else {
    await self.registration.showNotification(said.app, {
      icon: "/icon-192.png",
      badge: "/icon-192.png",
      data: { path },
      body: said.over,
      tag,
      silent: true,
    });
  }
}

/** Ends ringing of which the server said nothing more: it may be gone. Browsers may stop this before it is time. */
async function endRingingBySelf(tag, path, until, said) {
  await after(until + ringsOnMs - Date.now());
  const still = (await self.registration.getNotifications({ tag })).filter((one) => one.data?.until === until);
  if (still.length > 0) await endRinging(still, tag, path, said);
}

/** Closes what says that it rings though its time is over: a page is opened now, or something newer is shown. */
async function closeStaleRinging() {
  const shown = await self.registration.getNotifications();
  shown.filter((one) => one.data?.until < Date.now()).forEach((one) => one.close());
}

/** A call: of what is told of one, only the last is shown, under the tags that pages use too. */
async function showCall(data, said) {
  const ringTag = `call-${data.call_id}`;
  const shown = await self.registration.getNotifications({ tag: ringTag });
  const path = `/c/${data.conversation_id}`;
  const options = { icon: "/icon-192.png", badge: "/icon-192.png", data: { path } };
  const named = (plain, text) => (data.sender_name ? text.replace("{name}", data.sender_name) : plain);
  // What comes when it rings no more, though the push service was asked not to keep it, was missed.
  const until = Date.parse(data.until);
  if (data.kind === "call" && !(until < Date.now())) {
    await self.registration.showNotification(data.title ?? said.app, {
      ...options,
      data: { path, until },
      body: named(said.ring, said.ringOf),
      tag: ringTag,
      requireInteraction: true,
    });
    await endRingingBySelf(ringTag, path, until, said);
  } else if (data.kind === "call_over") await endRinging(shown, ringTag, path, said);
  else {
    shown.forEach((one) => one.close());
    await self.registration.showNotification(data.title ?? said.app, {
      ...options,
      body: named(said.missed, said.missedOf),
      tag: `missed-${data.call_id}`,
    });
  }
}

async function show(data) {
  const said = await words();
  await closeStaleRinging();
  if (data.kind === "test") {
    await self.registration.showNotification(said.app, { body: said.test, icon: "/icon-192.png", tag: "test" });
    return;
  }
  if (data.call_id) {
    await showCall(data, said);
    return;
  }
  await self.registration.showNotification(data.title ?? said.app, {
    body: data.body ?? said.message,
    icon: "/icon-192.png",
    badge: "/icon-192.png",
    // Told at least once: the next one of a conversation takes the place of the one before.
    tag: data.conversation_id,
    data: { path: `/c/${data.conversation_id}?at=${data.seq}` },
  });
}

async function open(path) {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find((client) => client.focused) ?? pages[0];
  if (!page) {
    await self.clients.openWindow(path);
    return;
  }
  await page.focus();
  page.postMessage({ type: "open", path });
}

self.addEventListener("install", (event) => {
  event.waitUntil(install());
});
self.addEventListener("activate", (event) => {
  event.waitUntil(activate());
});
self.addEventListener("message", (event) => {
  if (event.data?.type === "take-over") void self.skipWaiting();
});
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin || served.test(url.pathname)) return;
  if (request.mode === "navigate") {
    event.respondWith(fromDevice("/", request));
    event.waitUntil(closeStaleRinging());
  } else if (build.files.includes(url.pathname)) event.respondWith(fromDevice(url.pathname, request));
});
self.addEventListener("push", (event) => {
  let data;
  try {
    data = event.data?.json();
  } catch {
    data = undefined; // Not from our server: browsers still want something to be shown.
  }
  event.waitUntil(show(data?.v === 1 ? data : { kind: "test" }));
});
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.path ?? "/"));
});
