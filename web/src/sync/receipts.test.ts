import { expect, test } from "vitest";
import { ApiError } from "../wire/errors.ts";
import type { Line } from "../wire/socket.ts";
import { ReceiptSender } from "./receipts.ts";

test("a receipt that the server could not take is sent again, also when nothing else happens", async () => {
  const timers: (() => void)[] = [];
  const asked: number[] = [];
  const answers = [new ApiError("unavailable"), new ApiError("timeout"), undefined];
  const line: Pick<Line, "call" | "isUp"> = {
    isUp: () => true,
    call: (_name, request) => {
      asked.push((request as { seq: number }).seq);
      const answer = answers.shift();
      return answer ? Promise.reject(answer) : Promise.resolve({} as never);
    },
  };
  const sender = new ReceiptSender({
    line,
    later: (_ms, task) => {
      timers.push(task);
      return () => undefined;
    },
  });
  sender.delivered("c", 7);
  while (timers.length > 0) {
    timers.shift()?.();
    await new Promise((resolve) => setTimeout(resolve));
  }
  expect(asked).toEqual([7, 7, 7]);
  sender.flush();
  expect(asked).toEqual([7, 7, 7]);
});
