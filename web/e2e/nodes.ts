import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "@playwright/test";

const host = "127.0.0.1";

async function listen(server: Server): Promise<number> {
  server.listen(0, host);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** A port of this machine that nobody has now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  server.close();
  await once(server, "close");
  return port;
}

export interface Node {
  port: number;
  address: string;
  /** One of its figures. */
  figure: (name: string) => Promise<number>;
  /** Asks it to stop, and waits until it has: gives its exit status. A second time is as the first. */
  stop: () => Promise<number | null>;
}

/** Starts a server of its own, with these settings besides its addresses and its folder. */
export async function startNode(settings: readonly string[]): Promise<Node> {
  const [port, metrics, data] = await Promise.all([freePort(), freePort(), mkdtemp(join(tmpdir(), "parley-node-"))]);
  const binary = process.env["TEST_BINARY"];
  const args = [
    ...(binary === undefined ? ["run", "./cmd/parley"] : []),
    ...["serve", "--addr", `${host}:${String(port)}`, "--metrics-addr", `${host}:${String(metrics)}`],
    ...["--data-dir", data, "--signup-rate", "0", "--log-level", "warn", ...settings],
  ];
  const child = spawn(binary ?? "go", args, { cwd: "..", stdio: ["ignore", "inherit", "inherit"] });
  const ended = once(child, "exit") as Promise<[number | null]>;
  const address = `http://${host}:${String(port)}`;
  const serves = (): Promise<boolean> =>
    fetch(`${address}/readyz`)
      .then(({ ok }) => ok)
      .catch(() => child.exitCode !== null);
  try {
    await expect.poll(serves, { timeout: 180_000 }).toBe(true);
    expect(child.exitCode, "the exit status of a server that did not start").toBeNull();
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
  return {
    port,
    address,
    figure: async (name) => {
      const text = await (await fetch(`http://${host}:${String(metrics)}/metrics`)).text();
      return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
    },
    stop: async () => {
      child.kill("SIGTERM");
      const [status] = await ended;
      await rm(data, { recursive: true, force: true });
      return status;
    },
  };
}

function engine(variable: string): URL {
  const address = process.env[variable];
  if (address === undefined) throw new Error(`${variable} is not set: run \`make e2e\``);
  return new URL(address);
}

export interface Cluster {
  nodes: Node[];
  stop: () => Promise<void>;
}

/** Starts nodes that share PostgreSQL, Kafka and Redis; what is theirs in them has a name nobody else has. */
export async function startCluster(count: number): Promise<Cluster> {
  const name = `e2e${randomBytes(6).toString("hex")}`;
  const owner = engine("PARLEY_TEST_POSTGRES");
  const [postgres, redis, kafka] = [new URL(owner), engine("PARLEY_TEST_REDIS"), engine("PARLEY_TEST_KAFKA")];
  const sql = (statement: string) =>
    promisify(execFile)("psql", ["-qAt", "-v", "ON_ERROR_STOP=1", owner.href, "-c", statement]);
  postgres.searchParams.set("search_path", `${name},public`);
  redis.searchParams.set("prefix", name);
  const blobs = await mkdtemp(join(tmpdir(), "parley-blobs-"));
  const settings = [
    ...["--store", postgres.href, "--bus", redis.href, "--blobs", `file://${blobs}`],
    // Long silences are for machines that have much to do: no node dies here without a word.
    ...["--log", `kafka://${kafka.host}/${name}.commands?partitions=4&session=20s`],
    ...["--secret", randomBytes(24).toString("hex"), "--login-rate", "0", "--reconnect-spread", "500ms"],
  ];
  await sql(`create schema ${name}`);
  const starts = await Promise.allSettled(
    Array.from({ length: count }, (_, n) => startNode(["--node", `node${String(n + 1)}`, ...settings])),
  );
  const nodes = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
    await sql(`drop schema ${name} cascade`);
    await rm(blobs, { recursive: true, force: true });
  };
  for (const start of starts) {
    if (start.status === "fulfilled") continue;
    await stop();
    throw start.reason;
  }
  return { nodes, stop };
}

function reach(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once("connect", () => {
      resolve(socket);
    });
    socket.once("error", () => {
      resolve(undefined);
    });
  });
}

export interface Door {
  address: string;
  close: () => void;
}

/** A load balancer: each connection goes to the first of these nodes that takes it. */
export async function openDoor(...nodes: readonly Node[]): Promise<Door> {
  const server = createServer({ pauseOnConnect: true }, (client) => {
    void (async () => {
      for (const { port } of nodes) {
        const there = await reach(port);
        if (!there) continue;
        for (const [from, to] of [
          [client, there],
          [there, client],
        ] as const) {
          from.on("error", () => to.destroy());
          from.on("close", () => to.destroy());
          from.pipe(to);
        }
        return;
      }
      client.destroy();
    })();
  });
  const port = await listen(server);
  return { address: `http://${host}:${String(port)}`, close: () => server.close() };
}
