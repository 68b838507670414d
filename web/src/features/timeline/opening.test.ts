import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { aimed, type Known, learn, left, lookedAway, moved, open, type Opening, sent } from "./opening.ts";

const none = (): number => Infinity;
const fresh: Known = { told: 10, lastSeq: 10, readSeq: 10, unread: 0, head: 10, firstUnread: none };
const kept: Known = { ...fresh, told: undefined };

describe("a conversation that the server has told of", () => {
  test("opens at its end when all is read, whatever comes from then on", () => {
    const opening = open({ ...fresh, head: undefined }, false);
    expect(opening).toMatchObject({ aim: "end", after: null });
    const live = { ...fresh, lastSeq: 30, unread: 20, head: 30, firstUnread: () => 11 };
    const later = learn(opening, live);
    expect(later).toMatchObject({ aim: "end", after: null, turn: 0, waits: undefined });
    expect(learn(later, { ...live, lastSeq: 31, head: 31 })).toBe(later);
  });

  test("opens at the first unread message", () => {
    const opening = open({ ...fresh, readSeq: 4, unread: 6, firstUnread: () => 5 }, false);
    expect(opening).toMatchObject({ aim: "unread", after: 4, turn: 0, waits: undefined });
  });

  test("opens at what the device does not have yet, once that is here", () => {
    const known = { ...fresh, readSeq: 4, unread: 6, head: 4, firstUnread: none };
    const opening = open(known, false);
    expect(opening).toMatchObject({ aim: "end", kept: 4 });
    expect(learn(opening, { ...known, head: 9 })).toBe(opening);
    const here = learn(opening, { ...known, head: 10, firstUnread: () => 5 });
    expect(here).toMatchObject({ aim: "unread", after: 4, turn: 1, waits: undefined });
  });

  test("waits for what was missed while there was no line", () => {
    const opening = open({ ...fresh, told: 20 }, false);
    expect(opening).toMatchObject({ aim: "end", kept: 10 });
    const here = learn(opening, { ...fresh, told: 20, lastSeq: 20, head: 20, unread: 10, firstUnread: () => 11 });
    expect(here).toMatchObject({ aim: "unread", after: 10, turn: 1 });
  });
});

describe("a conversation that only the device knows of", () => {
  test("stays at its end when nothing was missed, and what is live is followed", () => {
    const opening = open(kept, false);
    expect(opening).toMatchObject({ aim: "end", kept: 10, turn: 0 });
    const told = learn(opening, { ...fresh, lastSeq: 11, unread: 1, head: 11, firstUnread: () => 11 });
    expect(told).toMatchObject({ aim: "end", after: null, turn: 0, waits: undefined });
  });

  test("goes to the first message that was missed, once all of it is here", () => {
    const opening = open(kept, false);
    const told = learn(opening, { ...kept, told: 40 });
    expect(told).toMatchObject({ kept: 10, turn: 0 });
    const half = { ...kept, told: 40, lastSeq: 30, unread: 20, head: 30, firstUnread: () => 11 };
    expect(learn(told, half)).toBe(told);
    const whole = learn(told, { ...half, lastSeq: 40, head: 40, unread: 30 });
    expect(whole).toMatchObject({ aim: "unread", after: 10, turn: 1, waits: undefined });
  });

  test("goes there too when the list was told before the log", () => {
    const opening = open({ ...kept, lastSeq: 40, unread: 30, head: undefined }, false);
    const painted = learn(opening, { ...kept, lastSeq: 40, unread: 30 });
    expect(painted).toMatchObject({ aim: "end", kept: 10, turn: 0 });
    const known = { ...kept, told: 40, lastSeq: 40, unread: 30, head: 40, firstUnread: () => 11 };
    expect(learn(painted, known)).toMatchObject({ aim: "unread", after: 10, turn: 1 });
  });

  test("stays where it is when what was missed are one's own messages, changes, or read elsewhere", () => {
    const opening = open(kept, false);
    const known = { ...kept, told: 40, lastSeq: 40, readSeq: 40, head: 40 };
    expect(learn(opening, known)).toMatchObject({ aim: "end", after: null, turn: 0, waits: undefined });
  });

  test("keeps its line when more was missed, and has it further on when another device read meanwhile", () => {
    const unread = { ...kept, readSeq: 5, unread: 5, firstUnread: () => 6 };
    const opening = open(unread, false);
    expect(opening).toMatchObject({ aim: "unread", after: 5, kept: 10 });
    const missed = { ...kept, told: 40, lastSeq: 40, head: 40 };
    const shownHere = learn(opening, { ...missed, readSeq: 10, unread: 30, firstUnread: () => 11 });
    expect(shownHere).toMatchObject({ aim: "unread", after: 5, turn: 1 });
    const readThere = learn(opening, { ...missed, readSeq: 20, unread: 20, firstUnread: () => 21 });
    expect(readThere).toMatchObject({ aim: "unread", after: 20, turn: 1 });
  });

  test("leaves the view to who moved in it, and draws the line", () => {
    const opening = moved(open(kept, false));
    const known = { ...kept, told: 40, lastSeq: 40, unread: 30, head: 40, firstUnread: () => 11 };
    expect(learn(opening, known)).toMatchObject({ aim: "stay", after: 10, turn: 1 });
  });

  test("follows the end for who wrote something, or went there", () => {
    const known = { ...kept, told: 40, lastSeq: 40, unread: 30, head: 40, firstUnread: () => 11 };
    for (const gone of [sent(open(kept, false)), left(open(kept, false))]) {
      expect(gone).toMatchObject({ after: null, turn: 0, waits: undefined });
      expect(learn(gone, known)).toBe(gone);
    }
  });
});

test("a link to a message is followed, and a line drawn where reading stopped", () => {
  expect(open({ ...kept, readSeq: 3, unread: 7 }, true)).toMatchObject({ after: 3, waits: undefined });
});

test("who looks away from what they have read finds a line before what came meanwhile", () => {
  const opening = open(fresh, false);
  expect(lookedAway(opening, 10)).toMatchObject({ after: 10, turn: 0 });
  const waiting = open(kept, false);
  expect(lookedAway(waiting, 10)).toBe(waiting);
});

type Step = { do: "write"; mine: boolean } | { do: "tell" | "sent" | "moved" } | { do: "list" | "log"; part: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("write" as const), mine: fc.boolean() }),
  fc.constant({ do: "tell" } as const),
  fc.record({ do: fc.constantFrom("list" as const, "log" as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }),
);
const person: fc.Arbitrary<Step> = fc.constantFrom({ do: "moved" }, { do: "sent" });

/** A conversation of which the device kept the beginning, and what the server tells of the rest in any order. */
class Scene {
  readonly log: { mine: boolean }[];
  told: number | undefined;
  list: number;
  head: number;
  opening: Opening;
  readonly kept: number;

  constructor(log: boolean[], kept: number) {
    this.log = log.map((mine) => ({ mine }));
    this.kept = Math.min(kept, log.length);
    this.list = this.kept;
    this.head = this.kept;
    this.opening = open(this.known(), false);
  }

  known(): Known {
    // Who writes has read what is before it.
    const readSeq = Math.max(this.kept, this.log.slice(0, this.list).findLastIndex(({ mine }) => mine) + 1);
    const unread = this.list - readSeq;
    const { told, head, list: lastSeq } = this;
    const after = this.log.slice(0, head).findIndex(({ mine }, n) => n + 1 > readSeq && !mine);
    return { told, lastSeq, readSeq, unread, head, firstUnread: () => (after < 0 ? Infinity : after + 1) };
  }

  take(one: Step): void {
    const { length } = this.log;
    if (one.do === "write") this.log.push({ mine: one.mine });
    if (one.do === "tell") this.told ??= length;
    if (one.do === "list") this.list += Math.round((length - this.list) * one.part);
    if (one.do === "log") this.head += Math.round((length - this.head) * one.part);
    if (one.do === "moved") this.opening = moved(this.opening);
    if (one.do === "sent") this.opening = sent(this.opening);
    this.opening = learn(this.opening, this.known());
  }
}

describe("in whatever order things come", () => {
  const runs = { numRuns: 500 };
  const scenes = [fc.array(fc.boolean(), { maxLength: 20 }), fc.nat(20), fc.array(step, { maxLength: 30 })] as const;

  test("it goes to the first message that was missed, once, and to no live one", () => {
    fc.assert(
      fc.property(...scenes, (log, keep, steps) => {
        const scene = new Scene(log, keep);
        for (const one of [...steps, { do: "tell" } as const]) {
          const before = scene.opening;
          scene.take(one);
          // Nothing that is to come is shown before it is clear where to go.
          if (scene.opening.waits) expect(scene.opening.kept).toBe(scene.kept);
          if (!before.waits) expect(scene.opening).toBe(before);
        }
        scene.take({ do: "list", part: 1 });
        scene.take({ do: "log", part: 1 });
        const { opening, told = 0, kept: from } = scene;
        expect(opening.waits).toBeUndefined();
        if (opening.turn === 0) expect(opening).toMatchObject({ aim: "end", after: null });
        else {
          expect(opening).toMatchObject({ turn: 1, aim: "unread" });
          const first = scene.log.findIndex(({ mine }, n) => n + 1 > (opening.after ?? 0) && !mine) + 1;
          expect(first).toBeGreaterThan(from);
          expect(first).toBeLessThanOrEqual(told);
        }
        const missed = scene.log.slice(from, told);
        if (missed.length > 0 && !scene.log.slice(from).some(({ mine }) => mine)) expect(opening.after).toBe(from);
        if (missed.every(({ mine }) => mine)) expect(opening.after).toBeNull();
      }),
      runs,
    );
  });

  test("it never takes the view from who moved or wrote", () => {
    fc.assert(
      fc.property(...scenes, person, fc.nat(30), (log, keep, steps, act, when) => {
        const scene = new Scene(log, keep);
        const acted = steps.toSpliced(when, 0, act);
        for (const one of acted) {
          const { turn } = scene.opening;
          scene.take(one);
          if (acted.indexOf(one) >= acted.indexOf(act) && scene.opening.turn > turn) {
            expect(scene.opening.aim).toBe("stay");
            expect(act.do).toBe("moved");
          }
        }
      }),
      runs,
    );
  });
});

test("the view is brought to its place until it has been there for two frames", () => {
  const beside = { measured: true, inPlace: false };
  const unmeasured = { measured: false, inPlace: true };
  const good = { measured: true, inPlace: true };
  expect(aimed(1, beside)).toEqual({ right: 0, pull: true, done: false });
  expect(aimed(1, unmeasured)).toEqual({ right: 0, pull: false, done: false });
  expect(aimed(0, good)).toEqual({ right: 1, pull: false, done: false });
  expect(aimed(1, good)).toEqual({ right: 2, pull: false, done: true });
});
