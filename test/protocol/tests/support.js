// What the tests share: where the server is, its heartbeat, and a WebSocket whose
// messages can be awaited one by one without losing any.
import { WebSocket } from "ws";

export const URL = process.env.PARLEY_CONFORMANCE_URL;
if (!URL) throw new Error("PARLEY_CONFORMANCE_URL is not set; use test/protocol/run");
export const WS_URL = URL.replace("http", "ws");

export const PING_INTERVAL = 300;
export const PING_TIMEOUT = 200;

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const once = (emitter, event) => new Promise((resolve) => emitter.once(event, (...args) => resolve(args)));

/** Polls until the condition holds; mocha's time limit ends it otherwise. */
export async function until(condition) {
  while (!(await condition())) await sleep(5);
}

export class Wire {
  #queue = [];
  #waiting = [];
  constructor(target, options) {
    this.socket = new WebSocket(WS_URL + target, options);
    this.socket.binaryType = "nodebuffer";
    this.closed = new Promise((resolve) => {
      this.socket.on("close", (code, reason) => {
        resolve({ code, reason: reason.toString() });
        for (const w of this.#waiting.splice(0)) w.reject(new Error(`closed with ${code} ${reason}`));
      });
    });
    this.opened = new Promise((resolve, reject) => {
      this.socket.on("open", resolve);
      this.socket.on("unexpected-response", (_req, res) => {
        reject(Object.assign(new Error(`answered with ${res.statusCode}`), { status: res.statusCode, headers: res.headers }));
        res.resume();
      });
      this.socket.on("error", reject);
    });
    this.opened.catch(() => {}); // tests that expect it look at it
    this.socket.on("message", (data, isBinary) => {
      const message = isBinary ? data : data.toString();
      const w = this.#waiting.shift();
      if (w) w.resolve(message);
      else this.#queue.push(message);
    });
  }
  send(...messages) {
    for (const m of messages) this.socket.send(m);
  }
  /** The next message; pings are skipped unless asked for. */
  async next({ pings = false } = {}) {
    for (;;) {
      const m = this.#queue.length
        ? this.#queue.shift()
        : await new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
      if (m !== "2" || pings) return m;
    }
  }
  close() {
    this.socket.close();
  }
}

export async function poll(target, init) {
  const response = await fetch(URL + target, init);
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** Opens a long-polling session and returns the target of its requests. */
export async function openPolling(path) {
  const { text } = await poll(`${path}?EIO=4&transport=polling`);
  return `${path}?EIO=4&transport=polling&sid=${JSON.parse(text.slice(1)).sid}`;
}

export const post = (target, body, headers) => poll(target, { method: "POST", body, headers });
