// Engine.IO protocol 4 on the wire, case by case.
import assert from "node:assert/strict";
import { PING_INTERVAL, PING_TIMEOUT, Wire, openPolling, poll, post, sleep } from "./support.js";

for (const path of ["/engine.io/", "/socket.io/"]) {
  const POLL = `${path}?EIO=4&transport=polling`;
  const SOCKET = `${path}?EIO=4&transport=websocket`;
  const echoes = path === "/engine.io/";

  describe(`Engine.IO at ${path}`, () => {
    const checkOpen = (packet, upgrades) => {
      assert.equal(packet[0], "0");
      const open = JSON.parse(packet.slice(1));
      assert.deepEqual(Object.keys(open).sort(), ["maxPayload", "pingInterval", "pingTimeout", "sid", "upgrades"]);
      assert.equal(typeof open.sid, "string");
      assert.deepEqual(open.upgrades, upgrades);
      assert.equal(open.pingInterval, PING_INTERVAL);
      assert.equal(open.pingTimeout, PING_TIMEOUT);
      assert.equal(open.maxPayload, 1_000_000);
    };

    describe("handshake", () => {
      it("opens a session over long-polling", async () => {
        const { status, text, headers } = await poll(POLL);
        assert.equal(status, 200);
        checkOpen(text, ["websocket"]);
        assert.match(headers.get("content-type"), /^text\/plain/);
        assert.equal(headers.get("cache-control"), "no-store");
      });
      it("opens a session over WebSocket", async () => {
        const wire = new Wire(SOCKET);
        checkOpen(await wire.next(), []);
        wire.close();
        await wire.closed;
      });
      for (const [name, target, code] of [
        ["no EIO", `${path}?transport=polling`, 5],
        ["EIO=abc", `${path}?EIO=abc&transport=polling`, 5],
        ["EIO=99", `${path}?EIO=99&transport=polling`, 5],
        ["no transport", `${path}?EIO=4`, 0],
        ["transport=abc", `${path}?EIO=4&transport=abc`, 0],
        ["transport=__proto__", `${path}?EIO=4&transport=__proto__`, 0],
        ["transport given twice", `${POLL}&transport=polling`, 3],
        ["sid given twice", `${POLL}&sid=a&sid=b`, 3],
        ["unknown sid", `${POLL}&sid=abc`, 1],
        ["JSONP", `${POLL}&j=0`, 3],
        ["WebSocket without an upgrade", SOCKET, 3],
      ]) {
        it(`refuses ${name}`, async () => {
          const { status, text } = await poll(target);
          assert.equal(status, 400);
          assert.equal(JSON.parse(text).code, code);
        });
      }
      for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
        it(`refuses a handshake by ${method}`, async () => {
          const { status, text } = await poll(POLL, { method });
          assert.equal(status, 400);
          assert.equal(JSON.parse(text).code, 2);
        });
      }
      for (const [name, target, status] of [
        ["no EIO", `${path}?transport=websocket`, 400],
        ["EIO=abc", `${path}?EIO=abc&transport=websocket`, 400],
        ["no transport", `${path}?EIO=4`, 400],
        ["transport=abc", `${path}?EIO=4&transport=abc`, 400],
        ["an unknown sid", `${SOCKET}&sid=abc`, 400],
      ]) {
        it(`refuses a WebSocket with ${name}`, async () => {
          await assert.rejects(new Wire(target).opened, { status });
        });
      }
      it("refuses WebSocket version 8", async () => {
        const wire = new Wire(SOCKET, { protocolVersion: 8 });
        await assert.rejects(wire.opened, (err) => err.status === 426 && err.headers["sec-websocket-version"] === "13");
      });
    });

    describe("message", () => {
      const payloads = ["4hello", "4test1\x1e4test2\x1e4test3", "4hello\x1ebAQIDBA==", "4snow ☃ 😀", "4"];
      for (const payload of echoes ? payloads : []) {
        it(`takes and gives ${JSON.stringify(payload)} over long-polling`, async () => {
          const target = await openPolling(path);
          const { status, text } = await post(target, payload);
          assert.equal(status, 200);
          assert.equal(text, "ok");
          assert.equal((await poll(target)).text, payload);
        });
      }
      for (const body of ["abc", "", "4a\x1e", "b*", "0{}", "2", "5", "6"]) {
        it(`closes the session upon ${JSON.stringify(body)}`, async () => {
          const target = await openPolling(path);
          assert.equal((await post(target, body)).status, 400);
          assert.equal((await poll(target)).status, 400);
        });
      }
      it("refuses more than maxPayload", async () => {
        const target = await openPolling(path);
        assert.equal((await post(target, "4" + "x".repeat(1_000_000))).status, 413);
      });
      for (const headers of [{ "content-encoding": "gzip" }, { "content-type": "application/octet-stream" }]) {
        it(`refuses ${Object.values(headers)}`, async () => {
          const target = await openPolling(path);
          assert.equal((await post(target, "4x", headers)).status, 415);
        });
      }
      it("closes the session upon two polls at a time", async () => {
        const target = await openPolling(path);
        const first = poll(target);
        await sleep(30);
        const second = await poll(target);
        // Whichever came first was waiting.
        const answers = [await first, second].sort((a, b) => a.status - b.status);
        assert.deepEqual(answers.map((a) => a.status), [200, 400]);
        assert.equal(answers[0].text, "1");
        assert.equal((await poll(target)).status, 400);
      });
      if (echoes) {
        it("takes and gives text over WebSocket", async () => {
          const wire = new Wire(SOCKET);
          await wire.next();
          wire.send("4hello", "4snow ☃ 😀", "4");
          assert.deepEqual([await wire.next(), await wire.next(), await wire.next()], ["4hello", "4snow ☃ 😀", "4"]);
          wire.close();
        });
        it("takes and gives binary data over WebSocket", async () => {
          const wire = new Wire(SOCKET);
          await wire.next();
          for (const size of [0, 4, 125, 126, 65535, 65536, 999_999]) {
            const sent = Buffer.alloc(size, size % 251);
            wire.send(sent);
            assert.deepEqual(await wire.next(), sent);
          }
          wire.close();
        });
      }
      for (const message of ["abc", "", "0{}", "2", "5", "6"]) {
        it(`closes a WebSocket upon ${JSON.stringify(message)}`, async () => {
          const wire = new Wire(SOCKET);
          await wire.next();
          wire.send(message);
          const { code, reason } = await wire.closed;
          assert.equal(code, 1002);
          assert.match(reason, /^bad_packet/);
        });
      }
      it("closes a WebSocket upon more than maxPayload", async () => {
        const wire = new Wire(SOCKET);
        await wire.next();
        wire.send("4" + "x".repeat(1_000_000));
        assert.equal((await wire.closed).code, 1009);
      });
    });

    describe("heartbeat", () => {
      it("sends pings over long-polling", async () => {
        const target = await openPolling(path);
        for (let i = 0; i < 3; i++) {
          assert.equal((await poll(target)).text, "2");
          assert.equal((await post(target, "3")).status, 200);
        }
      });
      it("closes a long-polling session without pongs", async () => {
        const target = await openPolling(path);
        await sleep(PING_INTERVAL + PING_TIMEOUT);
        assert.equal((await poll(target)).status, 400);
      });
      it("sends pings over WebSocket", async () => {
        const wire = new Wire(SOCKET);
        await wire.next();
        for (let i = 0; i < 3; i++) {
          assert.equal(await wire.next({ pings: true }), "2");
          wire.send("3");
        }
        wire.close();
      });
      it("closes a WebSocket without pongs", async () => {
        const wire = new Wire(SOCKET);
        await wire.closed;
      });
    });

    describe("close", () => {
      it("ends a long-polling session", async () => {
        const target = await openPolling(path);
        const [polled, posted] = await Promise.all([poll(target), post(target, "1")]);
        assert.equal(posted.status, 200);
        assert.equal(polled.status, 200);
        assert.equal(polled.text, "6");
        assert.equal((await poll(target)).status, 400);
      });
      it("ends a WebSocket session", async () => {
        const wire = new Wire(SOCKET);
        await wire.next();
        wire.send("1");
        await wire.closed;
      });
      it("answers a close frame with the same code", async () => {
        const wire = new Wire(SOCKET);
        await wire.next();
        wire.socket.close(4321, "bye");
        assert.equal((await wire.closed).code, 4321);
      });
    });

    describe("upgrade", () => {
      const upgradeOf = (target) => target.replace("transport=polling", "transport=websocket");
      it("moves a session from long-polling to WebSocket", async () => {
        const target = await openPolling(path);
        const wire = new Wire(upgradeOf(target));
        await wire.opened;
        wire.send("2probe");
        assert.equal(await wire.next(), "3probe");
        assert.equal((await poll(target)).text, "6");
        wire.send("5");
        if (echoes) {
          wire.send("4hello");
          assert.equal(await wire.next(), "4hello");
        }
        wire.close();
      });
      it("frees a pending poll", async () => {
        const target = await openPolling(path);
        const pending = poll(target);
        await sleep(20);
        const wire = new Wire(upgradeOf(target));
        await wire.opened;
        wire.send("2probe");
        assert.equal(await wire.next(), "3probe");
        assert.equal((await pending).text, "6");
        wire.close();
      });
      it("refuses HTTP requests after it", async () => {
        const target = await openPolling(path);
        const wire = new Wire(upgradeOf(target));
        await wire.opened;
        wire.send("2probe", "5");
        assert.equal((await poll(target)).status, 400);
        wire.close();
      });
      it("closes a second WebSocket after it", async () => {
        const target = await openPolling(path);
        const wire = new Wire(upgradeOf(target));
        await wire.opened;
        wire.send("2probe", "5");
        const second = new Wire(upgradeOf(target));
        assert.equal((await second.closed).code, 1008);
        if (echoes) {
          wire.send("4hello");
          assert.equal(await wire.next(), "3probe");
          assert.equal(await wire.next(), "4hello");
        }
        wire.close();
      });
      it("does not happen without a probe", async () => {
        const target = await openPolling(path);
        const wire = new Wire(upgradeOf(target));
        await wire.opened;
        wire.send("5");
        assert.equal((await wire.closed).code, 1002);
        assert.equal((await poll(target)).text, "2"); // the session is alive
      });
    });
  });
}
