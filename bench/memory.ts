/** P5: the memory of the server for a socket with a subscription, and of the worker for a tracked pod. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

import { WebSocket } from 'ws';

import { createClient, type Client } from '../src/shared/sdk/client.ts';
import { collectingGarbage, memoryOf } from '../tests/support/server-memory.ts';
import type { Result, Scale } from './measure.ts';
import { seedRunning, untilAllReady } from './seeded.ts';
import { signInAll, startWorld, type World } from './world.ts';

/** A server that prints its memory five times a second. `serve` is its code for sockets. */
const serverOf = (serve: string) => `
  import { createServer } from 'node:http';
  import { initTRPC } from '@trpc/server';
  import { applyWSSHandler } from '@trpc/server/adapters/ws';
  import { WebSocketServer } from 'ws';
  const server = createServer();
  const wss = new WebSocketServer({ server, perMessageDeflate: false });
  ${serve}
  server.listen(0, '127.0.0.1', () => console.log('port ' + server.address().port));
  setInterval(() => { gc(); const { heapUsed, external } = process.memoryUsage(); console.log('memory ' + (heapUsed + external)); }, 200);
`;
/** Only `ws`: the baseline. */
const bareServer = serverOf('');
/** With the handler of tRPC and a subscription that sends nothing: the part of our memory that tRPC needs. */
const trpcServer = serverOf(`
  const t = initTRPC.create();
  const silent = t.procedure.subscription(async function* ({ signal }) {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  });
  applyWSSHandler({ wss, router: t.router({ silent }) });
`);
const subscribeToSilence = JSON.stringify({ id: 1, method: 'subscription', params: { path: 'silent' } });

/** The first ones are not measured, because with them the process allocates what it needs only once. */
const warmUpOf = (count: number) => Math.ceil(count / 5);

export async function measureMemory({ size }: Scale): Promise<Result[]> {
  const world = await startWorld({ env: collectingGarbage, hasKubelet: false });
  try {
    const bare = await socketBytes(bareServer, size);
    const trpcAlone = await socketBytes(trpcServer, size, subscribeToSilence);
    const ours = await ownSocketBytes(world, size);
    const pods = await trackedPodBytes(world, size);
    return [
      {
        id: 'P5a',
        what: 'memory of the server for a socket with a subscription',
        unit: 'bytes',
        ours,
        baseline: bare,
        budget: { atMost: 2 },
        details: { 'tRPC alone': trpcAlone, sockets: size },
      },
      {
        id: 'P5b',
        what: "memory of the worker for a tracked pod, beside the pod's JSON",
        unit: 'bytes',
        ours: pods.held,
        baseline: pods.json,
        budget: { atMost: 2 },
        details: { pods: size },
      },
    ];
  } finally {
    await world.stop();
  }
}

async function ownSocketBytes(world: World, count: number): Promise<number> {
  const people = await signInAll(world, count);
  const stopping = new AbortController();
  const clients: Client[] = [];
  const connect = async (upTo: number): Promise<number> => {
    // In steps, because thousands of connections at once are not measured here.
    while (clients.length < upTo) {
      for (const { token } of people.slice(clients.length, Math.min(clients.length + 250, upTo))) {
        const client = createClient({ url: world.server.url, token });
        clients.push(client);
        void (async () => {
          for await (const project of client.watch(undefined, { signal: stopping.signal })) void project;
        })();
      }
      while ((await world.server.metric('opencode_subscriptions')) < clients.length) await delay(100);
    }
    return memoryOf(world.server);
  };
  const warmUp = warmUpOf(count);
  const before = await connect(warmUp);
  const held = ((await connect(count)) - before) / (count - warmUp);
  stopping.abort();
  for (const client of clients) await client.close();
  return held;
}

async function trackedPodBytes(world: World, count: number): Promise<{ held: number; json: number }> {
  // Several people, because the lock of the quota makes the creates of one person wait for each other.
  const ownerIds = (await signInAll(world, 20)).map(({ userId }) => userId);
  const warmUp = warmUpOf(count);
  await seedRunning(world, ownerIds, warmUp);
  const worker = await world.startWorker(collectingGarbage);
  await untilAllReady(world);
  const before = await memoryOf(worker);
  await seedRunning(world, ownerIds, count - warmUp);
  await untilAllReady(world);
  const held = ((await memoryOf(worker)) - before) / (count - warmUp);
  const { items } = await world.api.listNamespacedPod({ namespace: 'opencode', limit: 100 });
  return { held, json: items.reduce((sum, pod) => sum + JSON.stringify(pod).length, 0) / items.length };
}

/** @param hello the first message of a client, which waits for the answer */
async function socketBytes(program: string, count: number, hello?: string): Promise<number> {
  const child = spawn(process.execPath, ['--expose-gc', '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const read = async (pattern: RegExp): Promise<number> => {
    const from = output.length;
    for (;;) {
      const [, value] = pattern.exec(output.slice(from)) ?? [];
      if (value !== undefined) return Number(value);
      await once(child.stdout, 'data');
    }
  };
  const least = async () =>
    Math.min(await read(/memory (\d+)\n/), await read(/memory (\d+)\n/), await read(/memory (\d+)\n/));
  try {
    const port = await read(/port (\d+)\n/);
    const sockets: WebSocket[] = [];
    const connect = async (upTo: number): Promise<number> => {
      while (sockets.length < upTo) {
        const socket = new WebSocket(`ws://127.0.0.1:${port}`);
        sockets.push(socket);
        await once(socket, 'open');
        if (hello === undefined) continue;
        socket.send(hello);
        await once(socket, 'message');
      }
      return least();
    };
    const before = await connect(warmUpOf(count));
    const held = ((await connect(count)) - before) / (count - warmUpOf(count));
    for (const socket of sockets) socket.terminate();
    return held;
  } finally {
    child.kill('SIGKILL');
  }
}
