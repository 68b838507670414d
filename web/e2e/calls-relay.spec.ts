import { expect, test } from "@playwright/test";
import { button, expectFlow, expectLive, newCaller, open, type WatchedWindow } from "./callers.ts";
import { freePort, type Node, startNode } from "./nodes.ts";
import { ask, expectNoComplaints, type Person, startDirect } from "./people.ts";

// Moving pictures are dear enough without pictures of each step.
test.use({ trace: "off" });

/** A server with a relay of calls. */
async function startRelay(): Promise<Node> {
  const [turn, first] = await Promise.all([freePort(), freePort()]);
  return startNode([
    ...["--turn-addr", `127.0.0.1:${String(turn)}`, "--turn-public-ip", "127.0.0.1"],
    ...["--turn-ports", `${String(first)}-${String(Math.min(first + 40, 65_535))}`],
  ]);
}

/** Whoever is behind a firewall that lets nothing through but to the relay. */
function relayOnly(): void {
  const Original = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Original {
    constructor(configuration?: RTCConfiguration) {
      super({ ...configuration, iceTransportPolicy: "relay" });
    }
  };
}

/** By which ways the media of a page go: the kinds of both ends of each connection's pair that is in use. */
async function ways({ page }: Person): Promise<string[]> {
  return page.evaluate(async () => {
    const found: string[] = [];
    for (const peer of (window as unknown as WatchedWindow).watched.peers) {
      const report = await peer.getStats();
      const stats = new Map<string, { type: string; [key: string]: unknown }>();
      report.forEach((stat: { id: string; type: string }) => stats.set(stat.id, stat));
      for (const { type, selectedCandidatePairId } of stats.values()) {
        const pair = type === "transport" && stats.get(String(selectedCandidatePairId));
        if (!pair) continue;
        const kinds = ["localCandidateId", "remoteCandidateId"].map((end) =>
          String(stats.get(String(pair[end]))?.["candidateType"]),
        );
        found.push(kinds.join(" to "));
      }
    }
    return found;
  });
}

test("two people whose networks let nothing through talk by the relay", async ({ browser }) => {
  const node = await startRelay();
  try {
    const ada = await newCaller(browser, "Ada Lovelace", { baseURL: node.address });
    const grace = await newCaller(browser, "Grace Hopper", { baseURL: node.address });
    for (const { context } of [ada, grace]) await context.addInitScript(relayOnly);
    const id = await startDirect(ada, grace);
    await open(grace, id);
    await button(ada, "Voice call").click();
    await button(grace, "Accept").click();
    await expectLive(ada, grace);
    await Promise.all([expectFlow(ada, "audio"), expectFlow(grace, "audio")]);
    await button(grace, "Turn the camera on").click();
    await expectFlow(ada, "video");
    // One relay of the two is enough for a way; each of them has its own here.
    for (const person of [ada, grace]) await expect.poll(() => ways(person)).toEqual(["relay to relay"]);
    expect(await node.figure("parley_turn_relays")).toBeGreaterThanOrEqual(2);
    const before = await node.figure("parley_turn_bytes_in_total");
    expect(before).toBeGreaterThan(0);
    await expect.poll(() => node.figure("parley_turn_bytes_in_total")).toBeGreaterThan(before);
    await button(ada, "Hang up").click();
    await expect.poll(() => node.figure("parley_turn_relays"), { timeout: 60_000 }).toBe(0);
    expectNoComplaints(ada, grace);
    await Promise.all([ada.context.close(), grace.context.close()]);
  } finally {
    await node.stop();
  }
});

test("so do four in a group: each has a way to each", async ({ browser }) => {
  const node = await startRelay();
  try {
    const all: Person[] = [];
    for (const name of ["Ada Lovelace", "Grace Hopper", "Linus Park", "Max Planck"]) {
      const person = await newCaller(browser, name, { baseURL: node.address });
      await person.context.addInitScript(relayOnly);
      all.push(person);
    }
    const [ada, ...others] = all as [Person, ...Person[]];
    const group = { kind: "group", title: "Engines", member_ids: others.map(({ id }) => id) };
    const { id } = await ask<{ id: string }>(ada, "POST", "/conversations", group);
    for (const person of all) await open(person, id);
    await button(ada, "Voice call").click();
    // Whoever comes late finds that it rings no more, and joins all the same.
    for (const person of others)
      await button(person, /^(Accept|Join the call)$/)
        .first()
        .click();
    for (const { page } of all) {
      await expect(page.locator("[data-person=connected]")).toHaveCount(3, { timeout: 60_000 });
    }
    for (const person of all) await expectFlow(person, "audio");
    for (const person of all) expect(await ways(person)).toContain("relay to relay");
    expect(await node.figure("parley_turn_over_quota_total")).toBe(0);
    await Promise.all(all.map(({ context }) => context.close()));
  } finally {
    await node.stop();
  }
});
