import { afterEach, expect, test, vi } from "vitest";
import { Attention, idleMs } from "./attention.ts";

afterEach(() => vi.useRealTimers());

function scene(): {
  attention: Attention;
  told: boolean[];
  show: (visible: boolean) => void;
  use: () => void;
  after: (ms: number) => void;
  lineIs: (up: boolean) => void;
} {
  vi.useFakeTimers();
  const told: boolean[] = [];
  let visible = true;
  let up = true;
  let changed: (used: boolean) => void = () => undefined;
  const attention = new Attention({
    line: {
      isUp: () => up,
      call: (_name, request) => {
        told.push((request as { on: boolean }).on);
        return Promise.resolve({} as never);
      },
    },
    page: {
      isVisible: () => visible,
      listen: (listener) => {
        changed = listener;
        return () => undefined;
      },
    },
    now: Date.now,
    later: (ms, task) => {
      const timer = setTimeout(task, ms);
      return () => {
        clearTimeout(timer);
      };
    },
  });
  return {
    attention,
    told,
    show: (next) => {
      visible = next;
      changed(next);
    },
    use: () => {
      changed(true);
    },
    after: (ms) => vi.advanceTimersByTime(ms),
    lineIs: (next) => {
      up = next;
    },
  };
}

test("the server is told who looks, and only when that changes", () => {
  const { attention, told, show, use } = scene();
  expect(told).toEqual([]);
  attention.begin();
  expect(told).toEqual([true]);
  use();
  use();
  show(false);
  show(false);
  expect(told).toEqual([true, false]);
  show(true);
  expect(told).toEqual([true, false, true]);
  attention.close();
});

test("a page that is open and left alone is looked at by nobody, until it is used", () => {
  const { attention, told, use, after } = scene();
  attention.begin();
  after(idleMs - 1_000);
  use();
  after(idleMs - 1_000);
  expect(told).toEqual([true]);
  after(1_000);
  expect(told).toEqual([true, false]);
  after(10 * idleMs);
  use();
  expect(told).toEqual([true, false, true]);
  attention.close();
});

test("a new connection is told anew, also that nobody looks", () => {
  const { attention, told, show, lineIs } = scene();
  attention.begin();
  lineIs(false);
  show(false);
  lineIs(true);
  attention.begin();
  expect(told).toEqual([true]); // a connection begins as one that nobody looks at
  show(true);
  lineIs(false);
  lineIs(true);
  attention.begin();
  expect(told).toEqual([true, true, true]);
  attention.close();
});
