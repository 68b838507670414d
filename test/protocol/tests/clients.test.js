// The libraries that people use: engine.io-client and socket.io-client.
import assert from "node:assert/strict";
import { Socket as EngineSocket } from "engine.io-client";
import { io } from "socket.io-client";
import { PING_INTERVAL, URL, once, sleep, until } from "./support.js";

const ways = { polling: ["polling"], websocket: ["websocket"], "polling, then websocket": ["polling", "websocket"] };

for (const [way, transports] of Object.entries(ways)) {
  describe(`engine.io-client by ${way}`, () => {
    const open = async (options) => {
      const socket = new EngineSocket(URL, { path: "/engine.io/", transports, ...options });
      socket.binaryType = "nodebuffer";
      const messages = [];
      socket.on("message", (m) => messages.push(m));
      await once(socket, "open");
      if (transports.length > 1) await once(socket, "upgrade");
      return { socket, messages };
    };
    it("exchanges text and binary data in order", async () => {
      const { socket, messages } = await open();
      const sent = ["hello", Buffer.from([1, 2, 3, 4]), "snow ☃ 😀", Buffer.alloc(70_000, 7), "x".repeat(150_000)];
      for (const m of sent) socket.send(m);
      await until(() => messages.length === sent.length);
      assert.deepEqual(messages, sent);
      socket.close();
    });
    it("exchanges a thousand messages in order", async () => {
      const { socket, messages } = await open();
      for (let i = 0; i < 1000; i++) {
        socket.send(`${i}`);
        if (i % 100 === 99) await until(() => messages.length === i + 1);
      }
      assert.deepEqual(messages, Array.from({ length: 1000 }, (_, i) => `${i}`));
      socket.close();
    });
    it("stays alive by heartbeats", async () => {
      const { socket, messages } = await open();
      await sleep(4 * PING_INTERVAL);
      assert.equal(socket.readyState, "open");
      socket.send("still here");
      await until(() => messages.length === 1);
      socket.close();
    });
    it("closes", async () => {
      const { socket } = await open();
      const closed = once(socket, "close");
      socket.close();
      assert.equal((await closed)[0], "forced close");
    });
  });

  describe(`socket.io-client by ${way}`, () => {
    const sockets = [];
    const connect = async (options, namespace = "") => {
      const socket = io(URL + namespace, { transports, forceNew: true, reconnectionDelay: 10, ...options });
      sockets.push(socket);
      return socket;
    };
    const connected = async (options, namespace) => {
      const socket = await connect(options, namespace);
      await once(socket, "connect");
      if (transports.length > 1) await until(() => socket.io.engine.transport.name === "websocket");
      return socket;
    };
    afterEach(() => {
      for (const s of sockets.splice(0)) s.disconnect();
    });

    it("connects with auth", async () => {
      const socket = await connect({ auth: { token: "123" } });
      const [[auth]] = await Promise.all([once(socket, "auth"), once(socket, "connect")]);
      assert.deepEqual(auth, { token: "123" });
      assert.equal(typeof socket.id, "string");
    });
    it("is refused with data", async () => {
      const socket = await connect({ auth: { token: "refused" } });
      const [err] = await once(socket, "connect_error");
      assert.equal(err.message, "refused");
      assert.deepEqual(err.data, { code: "unauthenticated" });
    });
    it("is refused an unknown namespace", async () => {
      const socket = await connect({}, "/random");
      const [err] = await once(socket, "connect_error");
      assert.equal(err.message, "Invalid namespace");
    });
    it("uses two namespaces", async () => {
      const main = await connected({ forceNew: false, multiplex: true });
      const custom = main.io.socket("/custom");
      sockets.push(custom);
      await once(custom, "connect");
      custom.emit("message", "custom");
      main.emit("message", "main");
      assert.deepEqual(await Promise.all([once(custom, "message-back"), once(main, "message-back")]), [["custom"], ["main"]]);
      custom.disconnect();
      main.emit("message", "again");
      assert.deepEqual(await once(main, "message-back"), ["again"]);
    });
    it("exchanges JSON and binary data", async () => {
      const socket = await connected();
      const args = [1, "2 ☃", { 3: [true, null] }, Buffer.from([1, 2, 3]), { deep: [Buffer.from([4])] }];
      socket.emit("message", ...args);
      assert.deepEqual(await once(socket, "message-back"), args);
    });
    it("gets acknowledgements", async () => {
      const socket = await connected();
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, i) => socket.timeout(5000).emitWithAck("message-with-ack", i)),
      );
      assert.deepEqual(answers, Array.from({ length: 50 }, (_, i) => i));
      assert.deepEqual(await socket.emitWithAck("message-with-ack", Buffer.from([9])), Buffer.from([9]));
    });
    it("gives acknowledgements", async () => {
      const socket = await connected();
      socket.on("question", (arg, cb) => cb(arg, Buffer.from([1])));
      socket.emit("ask", "why");
      assert.deepEqual(await once(socket, "answer"), ["why", Buffer.from([1])]);
    });
    it("lets the server's question time out", async () => {
      const socket = await connected();
      socket.emit("ask", "why");
      assert.match((await once(socket, "no-answer"))[0], /no acknowledgement/);
    });
    it("joins and leaves rooms", async () => {
      const [a, b, c] = await Promise.all([connected(), connected(), connected()]);
      const room = `room ${way} ${Math.random()}`;
      const heard = [];
      for (const [name, s] of Object.entries({ a, b, c })) s.on("said", (text) => heard.push(`${name} ${text}`));
      assert.deepEqual(await a.emitWithAck("join", room), [room]);
      await b.emitWithAck("join", room);
      assert.equal(await a.emitWithAck("say", { Room: room, Text: "one" }), 1);
      assert.equal(await c.emitWithAck("say", { Room: room, Text: "two" }), 2);
      await until(() => heard.length === 3);
      assert.deepEqual(heard.sort(), ["a two", "b one", "b two"]);
      assert.deepEqual(await b.emitWithAck("leave", room), []);
      assert.equal(await a.emitWithAck("say", { Room: room, Text: "three" }), 0);
    });
    it("sends a message of 900 kB", async () => {
      const socket = await connected();
      const text = "x".repeat(900_000);
      assert.equal(await socket.emitWithAck("message-with-ack", text), text);
    });
    it("does not come back when the server disconnects it", async () => {
      const socket = await connected();
      const gone = once(socket, "disconnect");
      socket.emit("kick");
      assert.equal((await gone)[0], "io server disconnect");
      assert.equal(socket.active, false);
    });
    it("comes back when the connection is closed for a restart", async () => {
      const socket = await connected();
      const id = socket.id;
      socket.emit("restart");
      const [reason] = await once(socket, "disconnect");
      assert.match(reason, /^transport (close|error)$/);
      await once(socket, "connect");
      assert.notEqual(socket.id, id);
      assert.equal(await socket.emitWithAck("message-with-ack", "back"), "back");
    });
    it("stays alive by heartbeats", async () => {
      const socket = await connected();
      let lost = false;
      socket.on("disconnect", () => (lost = true));
      await sleep(4 * PING_INTERVAL);
      assert.equal(await socket.emitWithAck("message-with-ack", 1), 1);
      assert.equal(lost, false);
    });
    it("keeps the order of a thousand events", async () => {
      const socket = await connected();
      const got = [];
      socket.on("message-back", (i) => got.push(i));
      for (let i = 0; i < 1000; i++) {
        socket.emit("message", i);
        if (i % 100 === 99) await until(() => got.length === i + 1);
      }
      assert.deepEqual(got, Array.from({ length: 1000 }, (_, i) => i));
    });
  });
}
