import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { aimed, type Known, learn, left, lookedAway, moved, open, type Opening, sent } from "./opening.ts";

const none = (): number => Infinity;
/** Everything up to here is of others. */
const others =
  (last: number) =>
  (after: number): number =>
    after < last ? after + 1 : Infinity;
const fresh: Known = { told: 10, toldRead: 0, lastSeq: 10, readSeq: 10, unread: 0, head: 10, firstAfter: none };
const kept: Known = { ...fresh, told: undefined };

describe("a conversation that the server has told of", () => {
  test("opens at its end when all is read, whatever comes from then on", () => {
    const opening = open({ ...fresh, head: undefined }, false);
    expect(opening).toMatchObject({ aim: "end", after: null });
    const live = { ...fresh, lastSeq: 30, unread: 20, head: 30, firstAfter: others(30) };
    const later = learn(opening, live);
    expect(later).toMatchObject({ aim: "end", after: null, turn: 0, waits: undefined });
    expect(learn(later, { ...live, lastSeq: 31, head: 31 })).toBe(later);
  });

  test("opens at the first unread message", () => {
    const opening = open({ ...fresh, readSeq: 4, unread: 6, firstAfter: others(10) }, false);
    expect(opening).toMatchObject({ aim: "unread", after: 4, turn: 0, waits: undefined });
  });

  test("opens at what the device does not have yet, once that is here", () => {
    const known = { ...fresh, readSeq: 4, unread: 6, head: 4, firstUnread: none };
    const opening = open(known, false);
    expect(opening).toMatchObject({ aim: "end", kept: 4 });
    expect(learn(opening, { ...known, head: 9 })).toBe(opening);
    const here = learn(opening, { ...known, head: 10, firstAfter: others(10) });
    expect(here).toMatchObject({ aim: "unread", after: 4, turn: 1, waits: undefined });
  });

  test("waits for what was missed while there was no line", () => {
    const opening = open({ ...fresh, told: 20 }, false);
    expect(opening).toMatchObject({ aim: "end", kept: 10 });
    const here = learn(opening, { ...fresh, told: 20, lastSeq: 20, head: 20, unread: 10, firstAfter: others(20) });
    expect(here).toMatchObject({ aim: "unread", after: 10, turn: 1 });
  });
});

describe("a conversation that only the device knows of", () => {
  test("stays at its end when nothing was missed, and what is live is followed", () => {
    const opening = open(kept, false);
    expect(opening).toMatchObject({ aim: "end", kept: 10, turn: 0 });
    const told = learn(opening, { ...fresh, lastSeq: 11, unread: 1, head: 11, firstAfter: others(11) });
    expect(told).toMatchObject({ aim: "end", after: null, turn: 0, waits: undefined });
  });

  test("goes to the first message that was missed, once all of it is here", () => {
    const opening = open(kept, false);
    const told = learn(opening, { ...kept, told: 40 });
    expect(told).toMatchObject({ kept: 10, turn: 0 });
    const half = { ...kept, told: 40, lastSeq: 30, unread: 20, head: 30, firstAfter: others(30) };
    expect(learn(told, half)).toBe(told);
    const whole = learn(told, { ...half, lastSeq: 40, head: 40, unread: 30 });
    expect(whole).toMatchObject({ aim: "unread", after: 10, turn: 1, waits: undefined });
  });

  test("goes there too when the list was told before the log", () => {
    const opening = open({ ...kept, lastSeq: 40, unread: 30, head: undefined }, false);
    const painted = learn(opening, { ...kept, lastSeq: 40, unread: 30 });
    expect(painted).toMatchObject({ aim: "end", kept: 10, turn: 0 });
    const known = { ...kept, told: 40, lastSeq: 40, unread: 30, head: 40, firstAfter: others(40) };
    expect(learn(painted, known)).toMatchObject({ aim: "unread", after: 10, turn: 1 });
  });

  test("stays where it is when what was missed are one's own messages, changes, or read elsewhere", () => {
    const opening = open(kept, false);
    const known = { ...kept, told: 40, toldRead: 40, lastSeq: 40, readSeq: 40, head: 40, firstAfter: others(40) };
    expect(learn(opening, known)).toMatchObject({ aim: "end", after: null, turn: 0, waits: undefined });
  });

  test("keeps its line when more was missed, and has it further on when another device read meanwhile", () => {
    const unread = { ...kept, readSeq: 5, unread: 5, firstAfter: others(10) };
    const opening = open(unread, false);
    expect(opening).toMatchObject({ aim: "unread", after: 5, kept: 10 });
    const missed = { ...kept, told: 40, lastSeq: 40, head: 40, firstAfter: others(40) };
    const shownHere = learn(opening, { ...missed, readSeq: 10, unread: 30 });
    expect(shownHere).toMatchObject({ aim: "unread", after: 5, turn: 1 });
    const readThere = learn(opening, { ...missed, toldRead: 20, readSeq: 20, unread: 20 });
    expect(readThere).toMatchObject({ aim: "unread", after: 20, turn: 1 });
    const partThere = learn(opening, { ...missed, toldRead: 8, readSeq: 10, unread: 30 });
    expect(partThere).toMatchObject({ aim: "unread", after: 8, turn: 1 });
    const allThere = learn(opening, { ...missed, toldRead: 40, readSeq: 40 });
    expect(allThere).toMatchObject({ aim: "end", after: null, turn: 1 });
  });

  describe("of which it has the whole log, and another device has read some", () => {
    const unread = { ...kept, lastSeq: 40, head: 40, readSeq: 5, unread: 35, firstAfter: others(40) };
    const opening = open(unread, false);
    const told = { ...unread, told: 40 };

    test("goes to what is unread still", () => {
      expect(opening).toMatchObject({ aim: "unread", after: 5, kept: 40, turn: 0 });
      const here = learn(opening, { ...told, toldRead: 30, readSeq: 30, unread: 10 });
      expect(here).toMatchObject({ aim: "unread", after: 30, turn: 1, waits: undefined });
    });

    test("goes to its end when nothing is, and has no line", () => {
      const here = learn(opening, { ...told, toldRead: 40, readSeq: 40, unread: 0 });
      expect(here).toMatchObject({ aim: "end", after: null, turn: 1, waits: undefined });
    });

    test("leaves the view to who moved in it, and has the line where it belongs", () => {
      const some = learn(moved(opening), { ...told, toldRead: 30, readSeq: 30, unread: 10 });
      expect(some).toMatchObject({ aim: "stay", after: 30, turn: 1 });
      const all = learn(moved(opening), { ...told, toldRead: 40, readSeq: 40, unread: 0 });
      expect(all).toMatchObject({ aim: "stay", after: null, turn: 1 });
    });

    test("keeps its line for what is read by looking at it, and while the other one reads on", () => {
      const looked = learn(opening, { ...told, readSeq: 14, unread: 26 });
      expect(looked).toMatchObject({ aim: "unread", after: 5, turn: 0, waits: undefined });
      const whole = learn(opening, { ...told, readSeq: 40, unread: 0 });
      expect(whole).toMatchObject({ aim: "unread", after: 5, turn: 0, waits: undefined });
      expect(learn(looked, { ...told, toldRead: 30, readSeq: 30, unread: 10 })).toBe(looked);
    });

    test("stays where it is when the other one read nothing that has a place", () => {
      const firstAfter = (after: number): number => (after < 8 ? 8 : others(40)(after));
      const system = { ...told, toldRead: 7, readSeq: 7, unread: 33, firstAfter };
      expect(learn(opening, system)).toMatchObject({ aim: "unread", after: 5, turn: 0, waits: undefined });
    });
  });

  test("leaves the view to who moved in it, and draws the line", () => {
    const opening = moved(open(kept, false));
    const known = { ...kept, told: 40, lastSeq: 40, unread: 30, head: 40, firstAfter: others(40) };
    expect(learn(opening, known)).toMatchObject({ aim: "stay", after: 10, turn: 1 });
  });

  test("leaves the view to who moved in it while the page around the first unread message was still to come", () => {
    const known = { ...kept, told: 40, lastSeq: 40, unread: 30, head: 40, firstAfter: others(40) };
    const decided = learn(open(kept, false), known);
    expect(decided).toMatchObject({ aim: "unread", after: 10, turn: 1 });
    expect(moved(decided)).toMatchObject({ aim: "stay", after: 10, turn: 1 });
    expect(moved(moved(decided))).toEqual(moved(decided));
    // Nothing was on screen before the first place: nobody has chosen another one.
    const first = open({ ...fresh, readSeq: 4, unread: 6, firstAfter: others(10) }, false);
    expect(moved(first)).toBe(first);
  });

  test("follows the end for who wrote something, or went there", () => {
    const known = { ...kept, told: 40, lastSeq: 40, unread: 30, head: 40, firstAfter: others(40) };
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

type Step =
  | { do: "write"; mine: boolean }
  | { do: "tell" | "sent" | "moved" }
  | { do: "list" | "log" | "here" | "elsewhere"; part: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("write" as const), mine: fc.boolean() }),
  fc.constant({ do: "tell" } as const),
  fc.record({
    do: fc.constantFrom("list" as const, "log" as const, "here" as const, "elsewhere" as const),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
);
const person: fc.Arbitrary<Step> = fc.constantFrom({ do: "moved" }, { do: "sent" });

/** A conversation of which the device kept the beginning, and what the server tells of the rest in any order. */
class Scene {
  readonly log: { mine: boolean }[];
  readonly kept: number;
  /** How far it was read when the page that kept it went. */
  readonly keptRead: number;
  told: number | undefined;
  toldRead = 0;
  list: number;
  head: number;
  /** How far this page read it, and how far other devices did. */
  here = 0;
  elsewhere = 0;
  opening: Opening;

  constructor(log: boolean[], kept: number, read: number) {
    this.log = log.map((mine) => ({ mine }));
    this.kept = Math.min(kept, log.length);
    this.keptRead = Math.min(this.kept, Math.max(read, this.lastOwn(this.kept)));
    this.list = this.kept;
    this.head = this.kept;
    this.opening = open(this.known(), false);
  }

  /** Who writes has read what is before it. */
  lastOwn(to: number): number {
    return this.log.slice(0, to).findLastIndex(({ mine }) => mine) + 1;
  }

  firstOfOthers(after: number, to: number): number {
    const index = this.log.slice(0, to).findIndex(({ mine }, n) => n + 1 > after && !mine);
    return index < 0 ? Infinity : index + 1;
  }

  known(): Known {
    const { told, toldRead, head, list: lastSeq } = this;
    const readSeq = Math.max(this.keptRead, this.here, toldRead, this.lastOwn(lastSeq));
    const unread = this.log.slice(readSeq, lastSeq).filter(({ mine }) => !mine).length;
    return { told, toldRead, lastSeq, readSeq, unread, head, firstAfter: (after) => this.firstOfOthers(after, head) };
  }

  take(one: Step): void {
    const { length } = this.log;
    const ahead = (from: number, to: number, part: number): number => from + Math.round(Math.max(0, to - from) * part);
    if (one.do === "write") this.log.push({ mine: one.mine });
    if (one.do === "list") this.list = ahead(this.list, length, one.part);
    if (one.do === "log") this.head = ahead(this.head, length, one.part);
    if (one.do === "elsewhere") this.elsewhere = ahead(this.elsewhere, length, one.part);
    if (one.do === "here") {
      const shown = this.opening.waits ? this.kept : this.head;
      this.here = ahead(this.here, Math.min(shown, this.list), one.part);
    }
    if (one.do === "tell" && this.told === undefined) {
      this.told = length;
      this.toldRead = Math.max(this.keptRead, this.elsewhere, this.lastOwn(length));
    }
    if (one.do === "moved") this.opening = moved(this.opening);
    if (one.do === "sent") this.opening = sent(this.opening);
    this.opening = learn(this.opening, this.known());
  }

  finish(): void {
    this.take({ do: "tell" });
    this.take({ do: "list", part: 1 });
    this.take({ do: "log", part: 1 });
  }

  /** The first message that was unread when the page was told where the server stands. */
  firstUnread(): number {
    return this.firstOfOthers(Math.max(this.keptRead, this.toldRead), this.told ?? 0);
  }

  /** The message below the line. */
  belowLine(): number {
    const { after } = this.opening;
    return after === null ? Infinity : this.firstOfOthers(after, this.log.length);
  }
}

describe("in whatever order things come", () => {
  const runs = { numRuns: 500 };
  const scenes = [
    fc.array(fc.boolean(), { maxLength: 20 }),
    fc.nat(20),
    fc.nat(20),
    fc.array(step, { maxLength: 30 }),
  ] as const;

  test("it goes to the first message that is unread, at most once more, and to no live one", () => {
    fc.assert(
      fc.property(...scenes, (log, keep, read, steps) => {
        const scene = new Scene(log, keep, read);
        const first = scene.belowLine();
        for (const one of steps) {
          const before = scene.opening;
          scene.take(one);
          // Nothing that is to come is shown before it is clear where to go.
          if (scene.opening.waits) expect(scene.opening.kept).toBe(scene.kept);
          if (!before.waits) expect(scene.opening).toBe(before);
        }
        scene.finish();
        const { opening, told, kept: from } = scene;
        expect(opening.waits).toBeUndefined();
        expect(scene.belowLine()).toBe(scene.firstUnread());
        expect(opening.aim).toBe(opening.after === null ? "end" : "unread");
        // What is where it belongs is not moved.
        if (told === from && scene.belowLine() === first) expect(opening.turn).toBe(0);
        expect(opening.turn).toBeLessThanOrEqual(1);
      }),
      runs,
    );
  });

  test("it never takes the view from who moved or wrote", () => {
    fc.assert(
      fc.property(...scenes, person, fc.nat(30), (log, keep, read, steps, act, when) => {
        const scene = new Scene(log, keep, read);
        const acted = steps.toSpliced(when, 0, act);
        for (const one of acted) {
          const { turn } = scene.opening;
          scene.take(one);
          if (acted.indexOf(one) >= acted.indexOf(act) && scene.opening.turn > turn) {
            expect(scene.opening.aim).toBe("stay");
            expect(act.do).toBe("moved");
          }
        }
        scene.finish();
        // The line of who only looked around is where it belongs all the same.
        if (act.do === "moved") expect(scene.belowLine()).toBe(scene.firstUnread());
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
