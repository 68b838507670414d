import { type Browser, expect, test } from "@playwright/test";
import {
  button,
  expectFlow,
  expectLetGo,
  expectLive,
  line,
  newCaller,
  open,
  ring,
  screen,
  type WatchedWindow,
} from "./callers.ts";
import { type Cluster, type Door, openDoor, startCluster } from "./nodes.ts";
import { expectNoComplaints, type Person, startDirect } from "./people.ts";

// Moving pictures are dear enough without pictures of each step.
test.use({ trace: "off" });

let cluster: Cluster = { nodes: [], stop: () => Promise.resolve() };
let doors: Door[] = [];

test.beforeAll(async () => {
  cluster = await startCluster(2);
  const [one, two] = cluster.nodes;
  if (!one || !two) throw new Error("two nodes were to start");
  doors = [await openDoor(one, two), await openDoor(two, one)];
});

test.afterAll(async () => {
  for (const door of doors) door.close();
  await cluster.stop();
});

/** Two people in front of their conversation, each with a node of their own. */
async function apart(browser: Browser): Promise<{ ada: Person; bob: Person }> {
  const [first, second] = doors.map(({ address }) => ({ baseURL: address }));
  const ada = await newCaller(browser, "Ada Lovelace", first);
  const bob = await newCaller(browser, "Bob Kahn", second);
  await open(bob, await startDirect(ada, bob));
  return { ada, bob };
}

/** How many devices that are in a call have their line to each node. */
const places = (): Promise<number[]> =>
  Promise.all(cluster.nodes.map((node) => node.figure("parley_calls_devices").catch(() => -1)));

async function expectOver(...people: Person[]): Promise<void> {
  for (const person of people) {
    await expect(screen(person)).toBeHidden();
    await expectLetGo(person);
  }
}

test("people at two nodes: a call that nobody answers is missed, one that is answered goes both ways", async ({
  browser,
}) => {
  const { ada, bob } = await apart(browser);
  await button(ada, "Voice call").click();
  await expect(ring(bob)).toContainText("Ada Lovelace");
  await expect(screen(ada)).toContainText("Ringing…");
  await button(ada, "Hang up").click();
  await expect(ring(bob)).toBeHidden();
  await expect(line(bob, /^Missed call/)).toBeVisible();
  await expect(line(ada, /^Call without an answer/)).toBeVisible();

  // Back, with a picture.
  await button(bob, "Video call").click();
  await button(ada, "With camera").click();
  await expectLive(ada, bob);
  await Promise.all([ada, bob].map((person) => expectFlow(person, "audio")));
  await Promise.all([ada, bob].map((person) => expectFlow(person, "video")));
  await expect.poll(places).toEqual([1, 1]);
  await button(bob, "Mute the microphone").click();
  await expect(screen(ada).getByText("Microphone off")).toBeVisible();
  await button(bob, "Turn the microphone on").click();
  await expect(screen(ada).getByText("Microphone off")).toBeHidden();

  await button(ada, "Hang up").click();
  await expectOver(ada, bob);
  for (const person of [ada, bob]) await expect(line(person, /^Video call, \d+:\d\d/)).toBeVisible();
  await expect.poll(places).toEqual([0, 0]);
  expectNoComplaints(ada, bob);
});

test("the node of one of them stops: they talk on, and either can still end it", async ({ browser }) => {
  const { ada, bob } = await apart(browser);
  await button(ada, "Voice call").click();
  await button(bob, "Accept").click();
  await expectLive(ada, bob);
  await Promise.all([ada, bob].map((person) => expectFlow(person, "audio")));
  await expect.poll(places).toEqual([1, 1]);
  const connections = ({ page }: Person): Promise<number> =>
    page.evaluate(() => (window as unknown as WatchedWindow).watched.peers.length);
  const before = await connections(bob);

  expect(await cluster.nodes[1]?.stop(), "exit status of the node").toBe(0);
  // Bob's page has come to the other node, and is in its call there.
  await expect.poll(places, { timeout: 60_000 }).toEqual([2, -1]);
  await expectLive(ada, bob);
  await Promise.all([ada, bob].map((person) => expectFlow(person, "audio")));
  for (const person of [ada, bob]) expect(await connections(person), "connections that were made").toBe(before);
  // What goes by the server arrives again.
  await button(bob, "Mute the microphone").click();
  await expect(screen(ada).getByText("Microphone off")).toBeVisible();
  await button(ada, "Turn the camera on").click();
  await expectFlow(bob, "video");

  await button(ada, "Hang up").click();
  await expectOver(ada, bob);
  for (const person of [ada, bob]) await expect(line(person, /^Call, \d+:\d\d/)).toBeVisible();
  expectNoComplaints(ada, bob);
});
