import { createDecipheriv, createECDH, createPublicKey, type ECDH, hkdfSync, randomBytes, verify } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** What the service worker of a browser would be given. */
export interface Pushed {
  kind: string;
  conversation_id?: string;
  title?: string;
  body?: string;
}

/** A push service, and the browser behind it that can read what it is handed. */
export interface PushService {
  /** As PushSubscription.toJSON gives it. */
  subscription: { endpoint: string; expirationTime: null; keys: { p256dh: string; auth: string } };
  /** What arrived, as it was handed over. */
  arrived: { data: string; pushed: Pushed }[];
  /** What later requests are answered. */
  answers: (status: number) => void;
  close: () => void;
}

/** Reads a notification as a browser does (RFC 8291, RFC 8188). Throws if it is not for this browser. */
function open(body: Buffer, own: ECDH, auth: Buffer): string {
  const salt = body.subarray(0, 16);
  const sender = body.subarray(21, 21 + body.readUInt8(20));
  const info = Buffer.concat([Buffer.from("WebPush: info\0"), own.getPublicKey(), sender]);
  const secret = Buffer.from(hkdfSync("sha256", own.computeSecret(sender), auth, info, 32));
  const derived = (label: string, length: number): Buffer =>
    Buffer.from(hkdfSync("sha256", secret, salt, `Content-Encoding: ${label}\0`, length));
  const sealed = body.subarray(21 + sender.length);
  const decipher = createDecipheriv("aes-128-gcm", derived("aes128gcm", 16), derived("nonce", 12));
  decipher.setAuthTag(sealed.subarray(-16));
  const plain = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
  return plain.subarray(0, plain.lastIndexOf(2)).toString();
}

/** Whether the sender has the key that this browser subscribed with (RFC 8292). */
function isProven(authorization: string, origin: string): boolean {
  const [, header = "", claims = "", signature = "", key = ""] =
    /^vapid t=([\w-]+)\.([\w-]+)\.([\w-]+), k=([\w-]+)$/.exec(authorization) ?? [];
  const point = Buffer.from(key, "base64url");
  const jwk = {
    kty: "EC",
    crv: "P-256",
    x: point.subarray(1, 33).toString("base64url"),
    y: point.subarray(33).toString("base64url"),
  };
  const said = JSON.parse(Buffer.from(claims, "base64url").toString()) as { aud: string; sub: string };
  return (
    said.aud === origin &&
    /^(?:mailto:|https:)/.test(said.sub) &&
    verify(
      "sha256",
      Buffer.from(`${header}.${claims}`),
      { key: createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" },
      Buffer.from(signature, "base64url"),
    )
  );
}

export async function openPushService(): Promise<PushService> {
  const own = createECDH("prime256v1");
  own.generateKeys();
  const auth = randomBytes(16);
  const arrived: PushService["arrived"] = [];
  let status = 201;
  let origin = "";
  const server = createServer((request, answer) => {
    void buffer(request).then((body) => {
      try {
        if (!isProven(request.headers.authorization ?? "", origin)) throw new Error("not proven");
        const data = open(body, own, auth);
        if (status < 300) arrived.push({ data, pushed: JSON.parse(data) as Pushed });
        answer.writeHead(status).end();
      } catch {
        answer.writeHead(400).end();
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  origin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const keys = { p256dh: own.getPublicKey("base64url"), auth: auth.toString("base64url") };
  return {
    subscription: { endpoint: `${origin}/send/abc`, expirationTime: null, keys },
    arrived,
    answers: (next) => {
      status = next;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
