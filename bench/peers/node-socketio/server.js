// The bare stack that Parley is compared with: socket.io on Node, storing nothing,
// checking nobody. It speaks just enough of Parley's events for the same load
// generator: `join` stands for membership, `message.send` is numbered in memory,
// acknowledged and given to the whole room.
//
//   node server.js --addr 127.0.0.1:3100

import { createServer } from "node:http";
import { Server } from "socket.io";

const at = process.argv.indexOf("--addr");
const [host, port] = (at > 0 ? process.argv[at + 1] : "127.0.0.1:3100").split(":");

const http = createServer((request, response) => {
  if (request.url === "/gc" && globalThis.gc) globalThis.gc();
  response.writeHead(request.url === "/readyz" || request.url === "/gc" ? 200 : 404).end();
});
const io = new Server(http, { serveClient: false, perMessageDeflate: false });
const heads = new Map();

io.on("connection", (socket) => {
  socket.on("join", ({ rooms }, ack) => {
    socket.join(rooms);
    ack({ ok: true });
  });
  socket.on("message.send", (message, ack) => {
    const seq = (heads.get(message.conversation_id) ?? 0) + 1;
    heads.set(message.conversation_id, seq);
    const entry = {
      conversation_id: message.conversation_id,
      seq,
      at: new Date().toISOString(),
      sender_id: socket.id,
      kind: "message",
      client_id: message.client_id,
      ordinal: seq,
      text: message.text,
      attachments: [],
    };
    io.to(message.conversation_id).emit("entry", entry);
    ack({ ok: true, data: { entry } });
  });
  socket.emit("ready", {});
});

http.listen(Number(port), host);
process.on("SIGTERM", () => process.exit(0));
