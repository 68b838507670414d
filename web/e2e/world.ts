import {
  type APIRequestContext,
  type Browser,
  type BrowserContext,
  expect,
  type Page,
  request,
} from "@playwright/test";
import { openBrowser, password, type Person } from "./people.ts";
import { landscape, portrait } from "./png.ts";

/** Somebody of the world who has no browser: they act by the API. */
interface Actor {
  id: string;
  username: string;
  api: APIRequestContext;
}

export interface World {
  /** The person whose screens are looked at: Ada, with a browser. */
  ada: Person;
  grace: Actor;
  /** The ids of the conversations by a short name. */
  ids: Record<
    "grace" | "trip" | "noa" | "priya" | "kenji" | "omar" | "release" | "book" | "long" | "self" | "kept",
    string
  >;
  /** An address that lets into a group that Ada is not in. */
  invite: string;
  /** Messages that screens go to, by their seq. */
  seqs: { welcome: number; photo: number; fix: number };
  /** Has Noa block Ada, or let her again. */
  block: (on: boolean) => Promise<void>;
  close: () => Promise<void>;
}

/** Each world has its own usernames, all of the same length. */
let serial = Date.now() % 100_000_000;

async function answer<T>(call: Promise<{ ok(): boolean; status(): number; text(): Promise<string> }>): Promise<T> {
  const got = await call;
  const body = await got.text();
  expect(got.ok(), `${String(got.status())} ${body}`).toBe(true);
  return (body === "" ? undefined : JSON.parse(body)) as T;
}

interface Send {
  reply_to?: number;
  mentions?: string[];
  attachments?: string[];
}

let sent = 0;

/** Sends a message by the API; gives its seq. */
export async function say(actor: Actor, conversation: string, text: string, more: Send = {}): Promise<number> {
  sent += 1;
  const data = { client_id: `world-${String(sent)}`, text, ...more };
  const entry = await answer<{ seq: number }>(
    actor.api.post(`/api/v1/conversations/${conversation}/messages`, { data }),
  );
  return entry.seq;
}

async function upload(actor: Actor, name: string, mimeType: string, buffer: Buffer): Promise<string> {
  const file = { name, mimeType, buffer };
  return (await answer<{ id: string }>(actor.api.post("/api/v1/files", { multipart: { file } }))).id;
}

async function react(actor: Actor, conversation: string, seq: number, ...emoji: string[]): Promise<void> {
  for (const one of emoji) {
    const path = `/api/v1/conversations/${conversation}/messages/${String(seq)}/reactions/${encodeURIComponent(one)}`;
    await answer(actor.api.put(path));
  }
}

async function direct(from: Actor, to: Actor): Promise<string> {
  const data = { kind: "direct", user_id: to.id };
  return (await answer<{ id: string }>(from.api.post("/api/v1/conversations", { data }))).id;
}

async function group(from: Actor, title: string, members: Actor[], face?: Buffer): Promise<string> {
  const data = { kind: "group", title, member_ids: members.map(({ id }) => id) };
  const { id } = await answer<{ id: string }>(from.api.post("/api/v1/conversations", { data }));
  if (face) {
    const file = { name: "face.png", mimeType: "image/png", buffer: face };
    await answer(from.api.put(`/api/v1/conversations/${id}/avatar`, { multipart: { file } }));
  }
  return id;
}

const prefer = (actor: Actor, conversation: string, data: Record<string, unknown>): Promise<unknown> =>
  answer(actor.api.patch(`/api/v1/conversations/${conversation}/preferences`, { data }));
const readTo = (actor: Actor, conversation: string, seq: number): Promise<unknown> =>
  answer(actor.api.post(`/api/v1/conversations/${conversation}/read`, { data: { seq } }));

interface Newcomer {
  name: string;
  /** Where on the colour wheel their picture is; without it they have letters. */
  face?: number;
  bio?: string;
}

async function enter(api: APIRequestContext, { name, face, bio }: Newcomer): Promise<Actor> {
  serial += 1;
  const username = `${name.toLowerCase().replace(/[^a-z]+.*/, "") || "guest"}.${String(serial).padStart(8, "0")}`;
  const data = { username, display_name: name, password };
  const { user } = await answer<{ user: { id: string } }>(api.post("/api/v1/auth/signup", { data }));
  if (face !== undefined) {
    const file = { name: "me.png", mimeType: "image/png", buffer: portrait(face) };
    await answer(api.put("/api/v1/me/avatar", { multipart: { file } }));
  }
  if (bio !== undefined) await answer(api.patch("/api/v1/me", { data: { bio } }));
  return { id: user.id, username, api };
}

/** The clock of the browser stands at a time of the day that is far from midnight, wherever that is now. */
function timezoneAtNoon(): string {
  const hours = 12 - new Date().getUTCHours();
  return hours === 0 ? "UTC" : `Etc/GMT${hours > 0 ? "-" : "+"}${String(Math.abs(hours))}`;
}

/** A short sound as a browser records it. */
async function recording(page: Page): Promise<Buffer> {
  const data = await page.evaluate(async () => {
    const audio = new AudioContext();
    const out = audio.createMediaStreamDestination();
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.connect(volume).connect(out);
    for (let i = 0; i < 40; i += 1) volume.gain.setValueAtTime(Math.abs(Math.sin(i * 1.7)), i * 0.05);
    tone.start();
    const recorder = new MediaRecorder(out.stream, { mimeType: "audio/webm" });
    const blob = await new Promise<Blob>((resolve) => {
      recorder.ondataavailable = (event) => {
        resolve(event.data);
      };
      recorder.start();
      setTimeout(() => {
        recorder.stop();
      }, 1_500);
    });
    await audio.close();
    const bytes = new Uint8Array(await blob.arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  });
  return Buffer.from(data, "base64");
}

interface WorldOptions {
  browser: Browser;
  baseURL: string | undefined;
  /** With a voice message: recording it takes a moment. */
  voice?: boolean;
}

/** People, conversations and what was said in them on an ordinary day: the same in each run, but for ids and times. */
export async function makeWorld({ browser, baseURL, voice = false }: WorldOptions): Promise<World> {
  const contexts: APIRequestContext[] = [];
  const person = async (newcomer: Newcomer): Promise<Actor> => {
    const api = await request.newContext(baseURL === undefined ? {} : { baseURL });
    contexts.push(api);
    return enter(api, newcomer);
  };
  const browserOfAda = await openBrowser(browser, "Ada Lovelace", { timezoneId: timezoneAtNoon() });
  const me = await enter(browserOfAda.context.request, {
    name: "Ada Lovelace",
    face: 0.93,
    bio: "Engines, punched cards, poetical science.",
  });
  const ada: Person = { ...browserOfAda, username: me.username };

  const grace = await person({ name: "Grace Hopper", face: 0.12, bio: "Compilers by day. Sailing by night ⛵" });
  const linus = await person({ name: "Linus Park", face: 0.31 });
  const mei = await person({ name: "Mei 陈美", face: 0.55 });
  const omar = await person({ name: "عمر حداد", face: 0.68 });
  const noa = await person({ name: "Noa Levi" });
  const priya = await person({ name: "Priya Raman", face: 0.83 });
  const kenji = await person({ name: "Kenji Sato", face: 0.42 });
  const amelie = await person({ name: "Amélie Dubois", face: 0.2 });
  const zofia = await person({ name: "Zofia Nowak" });
  const long = await person({ name: "Bartholomew Featherstonehaugh-Cholmondeley-Majoribanks III" });
  const jonas = await person({ name: "Jonas Weber", face: 0.76 });

  const ids = {
    kept: await direct(me, zofia),
    book: await group(amelie, "Book club", [me, jonas, noa], landscape(120, 120, 0.7)),
    long: await direct(long, me),
    omar: await direct(omar, me),
    release: await group(jonas, "Release 4.2", [me, grace, linus, kenji]),
    kenji: await direct(kenji, me),
    self: await direct(me, me),
    priya: await direct(priya, me),
    noa: await direct(noa, me),
    trip: await group(me, "Summer trip ☀️", [grace, linus, mei, priya, amelie, jonas], landscape(120, 120)),
    grace: await direct(me, grace),
  };

  await say(zofia, ids.kept, "Thanks for the sofa, it fits perfectly.");
  await prefer(me, ids.kept, { archived: true });

  await say(amelie, ids.book, "Next up: *The Left Hand of Darkness*. Thursday at seven?");
  await readTo(me, ids.book, await say(me, ids.book, "Count me in."));
  await say(jonas, ids.book, "Halfway through already, no spoilers please");

  await say(long, ids.long, "LlanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogochLlanfairpwllgwyngyllgogerych");
  await readTo(
    me,
    ids.long,
    await say(me, ids.long, "https://example.org/a/very/long/address/that/has/no/place/to/break/" + "x".repeat(80)),
  );

  await say(omar, ids.omar, "مرحبا آدا! هل وصلتك الأوراق التي أرسلتها أمس؟");
  await say(me, ids.omar, "Yes, thank you! شكرا جزيلا 🌷");
  await readTo(me, ids.omar, await say(omar, ids.omar, "ممتاز. نلتقي يوم الخميس في الساعة 14:30"));

  const plan = await say(jonas, ids.release, "Branch is cut. **No merges** without a ticket from now on.");
  await say(kenji, ids.release, "1. Migrations\n2. Changelog\n3. Screenshots");
  await readTo(me, ids.release, await say(linus, ids.release, "I take the changelog"));
  await say(jonas, ids.release, `@${me.username} can you look at the migrations before noon?`, {
    mentions: [me.id],
    reply_to: plan,
  });
  await say(grace, ids.release, "Tests are green on main");
  await prefer(me, ids.release, { muted_until: "9999-12-31T00:00:00.000Z" });

  await say(me, ids.self, "- [ ] Passport photos\n- [ ] Call the landlord\n- [ ] `git gc` on the old laptop");

  const sea = await upload(priya, "harbour.png", "image/png", landscape(300, 400, 0.9));
  await readTo(me, ids.priya, await say(priya, ids.priya, "", { attachments: [sea] }));

  await say(noa, ids.noa, "Are you coming to the climbing hall on Thursday?");
  await say(noa, ids.noa, "I can bring the second rope");
  await say(noa, ids.noa, "🧗‍♀️🧗‍♀️");

  const trip = await tripTalk({ me, grace, linus, mei, priya, amelie, jonas }, ids.trip);
  const fix = await graceTalk(me, grace, ids.grace);
  await prefer(me, ids.grace, { pinned: true });

  if (voice) {
    await ada.page.goto("/login");
    const file = await upload(kenji, "voice-20260301-101500.webm", "audio/webm", await recording(ada.page));
    await readTo(me, ids.kenji, await say(kenji, ids.kenji, "", { attachments: [file] }));
  } else await readTo(me, ids.kenji, await say(kenji, ids.kenji, "See you at the station 🚉"));

  const climbers = await group(noa, "Thursday climbers", [linus, zofia, kenji], landscape(120, 120, 0.4));
  const life = { expires_in_seconds: 0, max_uses: 0 };
  const invite = await answer<{ url: string }>(
    noa.api.post(`/api/v1/conversations/${climbers}/invites`, { data: life }),
  );
  const close = async (): Promise<void> => {
    await Promise.all([...contexts.map((context) => context.dispose()), ada.context.close()]);
  };
  const block = async (on: boolean): Promise<void> => {
    const path = `/api/v1/blocks/${me.id}`;
    await answer(on ? noa.api.put(path) : noa.api.delete(path));
  };
  return { ada, grace, ids, invite: new URL(invite.url).hash, seqs: { ...trip, fix }, block, close };
}

type Travellers = Record<"me" | "grace" | "linus" | "mei" | "priya" | "amelie" | "jonas", Actor>;

async function tripTalk(people: Travellers, id: string): Promise<{ welcome: number; photo: number }> {
  const { me, grace, linus, mei, priya, amelie, jonas } = people;
  const welcome = await say(me, id, "Welcome everybody! I collected the cabins that are still free:");
  const cabins = await say(
    me,
    id,
    "- **Lake house**, 4 beds, sauna\n- *Old mill*, 6 beds, no signal\n- ~~Castle~~ (gone already)",
  );
  await say(grace, id, "The lake house looks lovely. Is there a kitchen? https://example.org/cabins/lake-house");
  await say(linus, id, "No signal sounds like a feature to me 😄", { reply_to: cabins });
  const view = await upload(linus, "ridge.png", "image/png", landscape(600, 400, 0.15));
  const photo = await say(linus, id, "This was the view last year", { attachments: [view] });
  await react(me, id, photo, "❤️");
  await react(grace, id, photo, "❤️", "🔥");
  await react(mei, id, photo, "😍");
  const shots = await Promise.all(
    [0.3, 0.6].map((turn, n) => upload(mei, `hut-${String(n + 1)}.png`, "image/png", landscape(250, 250, turn))),
  );
  await say(mei, id, "照片收到了，谢谢！这是我的两张 🎉", { attachments: shots });
  const list = await upload(
    grace,
    "packing-list.pdf",
    "application/pdf",
    Buffer.from("%PDF-1.4\n".padEnd(48_000, "x")),
  );
  const packing = await say(grace, id, "And a packing list", { attachments: [list] });
  await answer(me.api.put(`/api/v1/conversations/${id}/messages/${String(welcome)}/pin`));
  await answer(me.api.put(`/api/v1/conversations/${id}/messages/${String(packing)}/pin`));
  await say(amelie, id, "> sauna\nSay no more, I am in. 🧖‍♀️");
  await say(jonas, id, `@${me.username} shall we book today?`, { mentions: [me.id] });
  await react(priya, id, await say(me, id, "Yes, tonight after eight."), "👍");
  await readTo(me, id, await say(priya, id, "🎉🎉"));
  return { welcome, photo };
}

async function graceTalk(me: Actor, grace: Actor, id: string): Promise<number> {
  await say(me, id, "Did you see the build this morning?");
  const fix = await say(grace, id, "Yes, it was the cache key. I pushed a fix:");
  await say(
    grace,
    id,
    '```go\n// key names one revision of a file.\nfunc key(name string, rev int) string {\n\treturn fmt.Sprintf("%s@%d", name, rev)\n}\n```',
  );
  const thanks = await say(me, id, "> it was the cache key\nof course it was. Thank you!");
  await react(grace, id, thanks, "🎉");
  await say(
    me,
    id,
    "Can you also note it in the runbook? Somebody will meet this again, and by then neither of us will remember why the revision is part of the key.",
    { reply_to: fix },
  );
  const typo = await say(grace, id, "Will do, after lunhc");
  const data = { text: "Will do, after lunch" };
  await answer(grace.api.patch(`/api/v1/conversations/${id}/messages/${String(typo)}`, { data }));
  const last = await say(grace, id, "👍");
  await readTo(me, id, last);
  await readTo(grace, id, last);
  return fix;
}

/** A person who has just signed up, in a browser of their own. */
export async function newcomer(browser: Browser): Promise<{ page: Page; context: BrowserContext; username: string }> {
  const person = await openBrowser(browser, "Newcomer", { timezoneId: timezoneAtNoon() });
  const { username } = await enter(person.context.request, { name: "Robin" });
  return { page: person.page, context: person.context, username };
}
