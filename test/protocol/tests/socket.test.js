// Socket.IO protocol 5 on the wire, case by case.
import assert from "node:assert/strict";
import { Wire, openPolling, poll, post } from "./support.js";

const SOCKET = "/socket.io/?EIO=4&transport=websocket";

async function engine() {
  const wire = new Wire(SOCKET);
  assert.match(await wire.next(), /^0\{/);
  return wire;
}

/** Joins a namespace and takes the two packets that follow. */
async function join(wire, prefix = "", auth = "") {
  wire.send(`40${prefix}${auth}`);
  const accepted = await wire.next();
  assert.ok(accepted.startsWith(`40${prefix}{`), accepted);
  const { sid, ...rest } = JSON.parse(accepted.slice(2 + prefix.length));
  assert.equal(typeof sid, "string");
  assert.deepEqual(rest, {});
  return wire.next();
}

async function connected() {
  const wire = await engine();
  await join(wire);
  return wire;
}

describe("Socket.IO", () => {
  describe("connect", () => {
    for (const [name, prefix, auth, want] of [
      ["the main namespace", "", "", '42["auth",{}]'],
      ["the main namespace with auth", "", '{"token":"123"}', '42["auth",{"token":"123"}]'],
      ["another namespace", "/custom,", "", '42/custom,["auth",{}]'],
      ["another namespace with auth", "/custom,", '{"token":"abc"}', '42/custom,["auth",{"token":"abc"}]'],
    ]) {
      it(`joins ${name}`, async () => {
        const wire = await engine();
        assert.equal(await join(wire, prefix, auth), want);
        wire.close();
      });
    }
    it("joins two namespaces on one connection", async () => {
      const wire = await connected();
      assert.equal(await join(wire, "/custom,"), '42/custom,["auth",{}]');
      wire.send('42/custom,["message",1]', '42["message",2]');
      assert.equal(await wire.next(), '42/custom,["message-back",1]');
      assert.equal(await wire.next(), '42["message-back",2]');
      wire.close();
    });
    it("joins over long-polling", async () => {
      const target = await openPolling("/socket.io/");
      assert.equal((await post(target, "40")).text, "ok");
      let got = (await poll(target)).text;
      while (!got.includes('42["auth",{}]')) got += (await poll(target)).text;
      assert.match(got, /^40\{"sid":"[^"]+"\}\x1e?42\["auth",\{\}\]$/);
      await post(target, '42["message","a"]\x1e421["message-with-ack","b"]');
      assert.equal((await poll(target)).text, '42["message-back","a"]\x1e431["b"]');
      await post(target, "1");
    });
    it("refuses an unknown namespace", async () => {
      const wire = await engine();
      wire.send("40/random");
      assert.equal(await wire.next(), '44/random,{"message":"Invalid namespace"}');
      wire.close();
    });
    it("refuses what the application refuses, with its data", async () => {
      const wire = await engine();
      wire.send('40{"token":"refused"}');
      assert.equal(await wire.next(), '44{"message":"refused","data":{"code":"unauthenticated"}}');
      wire.close();
    });
    for (const first of ["4abc", "4", '42["message",1]', "41", "40{", "40[1]", '40"x"']) {
      it(`closes upon ${first} instead`, async () => {
        const wire = await engine();
        wire.send(first);
        const { code, reason } = await wire.closed;
        assert.equal(code, 1002);
        assert.match(reason, /^bad_packet/);
      });
    }
    it("closes when nothing comes", async () => {
      const wire = new Wire(SOCKET);
      await wire.closed;
    });
    it("closes when nothing but pongs comes", async () => {
      const wire = await engine();
      wire.socket.on("message", (data) => data.toString() === "2" && wire.send("3"));
      const { code, reason } = await wire.closed;
      assert.deepEqual({ code, reason }, { code: 1008, reason: "connect_timeout" });
    });
  });

  describe("disconnect", () => {
    it("leaves the main namespace and keeps the connection", async () => {
      const wire = await connected();
      wire.send("41");
      assert.equal(await wire.next({ pings: true }), "2");
      wire.close();
    });
    it("leaves another namespace and stays in the main one", async () => {
      const wire = await connected();
      await join(wire, "/custom,");
      wire.send("41/custom", '42["message","message to main namespace"]');
      assert.equal(await wire.next(), '42["message-back","message to main namespace"]');
      wire.close();
    });
    it("is told by the server", async () => {
      const wire = await connected();
      wire.send('42["kick"]');
      assert.equal(await wire.next(), "41");
      assert.equal((await wire.closed).code, 1000);
    });
    it("happens with 1012 upon a restart", async () => {
      const wire = await connected();
      wire.send('42["restart"]');
      assert.equal((await wire.closed).code, 1012);
    });
  });

  describe("message", () => {
    it("comes back as it went", async () => {
      const wire = await connected();
      for (const args of ['1,"2",{"3":[true]}', '"snow ☃ 😀",null,-1.5e3', '[[[]]],{}']) {
        wire.send(`42["message",${args}]`);
        assert.equal(await wire.next(), `42["message-back",${args}]`);
      }
      wire.close();
    });
    it("carries binary attachments", async () => {
      const wire = await connected();
      const text = '["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]';
      wire.send(`452-${text}`, Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6]));
      assert.equal(await wire.next(), `452-${text.replace("message", "message-back")}`);
      assert.deepEqual(await wire.next(), Buffer.from([1, 2, 3]));
      assert.deepEqual(await wire.next(), Buffer.from([4, 5, 6]));
      wire.close();
    });
    it("is acknowledged", async () => {
      const wire = await connected();
      wire.send('42456["message-with-ack",1,"2",{"3":[false]}]');
      assert.equal(await wire.next(), '43456[1,"2",{"3":[false]}]');
      wire.close();
    });
    it("is acknowledged with binary attachments", async () => {
      const wire = await connected();
      const holders = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}';
      wire.send(`452-789["message-with-ack",${holders}]`, Buffer.from([1]), Buffer.from([2]));
      assert.equal(await wire.next(), `462-789[${holders}]`);
      assert.deepEqual(await wire.next(), Buffer.from([1]));
      assert.deepEqual(await wire.next(), Buffer.from([2]));
      wire.close();
    });
    it("may want an acknowledgement by the client", async () => {
      const wire = await connected();
      wire.send('42["ask","why"]');
      const question = await wire.next();
      assert.match(question, /^42\d+\["question","why"\]$/);
      const id = /^42(\d+)/.exec(question)[1];
      wire.send(`43${id}["because"]`);
      assert.equal(await wire.next(), '42["answer","because"]');
      wire.close();
    });
    it("survives a handler's panic", async () => {
      const wire = await connected();
      wire.send('42["panic"]', '42["message",1]');
      assert.equal(await wire.next(), '42["message-back",1]');
      wire.close();
    });
    for (const [name, ...packets] of [
      ["unknown packet type", "4abc"],
      ["payload is an object", "42{}"],
      ["payload is empty", "42[]"],
      ["broken JSON", '42["message",]'],
      ["bad ack id", '42abc["message-with-ack",1]'],
      ["huge ack id", `42${"9".repeat(30)}["message-with-ack",1]`],
      ["reserved event", '42["disconnecting"]'],
      ["packet type of a server", '44{"message":""}'],
      ["joined twice", "40"],
      ["eleven attachments", '4511-["message"]'],
      ["negative attachments", '45-1-["message"]'],
      ["text instead of an attachment", '451-["message",{"_placeholder":true,"num":0}]', '42["message"]'],
      ["stray attachment", Buffer.from([1])],
      ["eleven unknown events", ...Array(11).fill('42["unknown"]')],
      ["eleven acknowledgements nobody wants", ...Array(11).fill("439[]")],
      ["eleven unknown namespaces", ...Array(11).fill("40/../../etc")],
    ]) {
      it(`closes: ${name}`, async () => {
        const wire = await connected();
        wire.send(...packets);
        const { code, reason } = await wire.closed;
        assert.ok(code === 1002 || code === 1008, `code ${code}`);
        assert.notEqual(reason, "");
      });
    }
  });
});
