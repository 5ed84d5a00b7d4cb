/** P1: from the change of a pod's status at the Kubernetes API to the callback of the SDK, compared with a bare watch and a bare socket. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { WebSocket } from 'ws';

import type { ProjectRecord } from '../src/shared/node/db/project-record.ts';
import { createClient, type Client, type Project } from '../src/shared/sdk/client.ts';
import { spread, timesOf, type Result, type Scale } from './measure.ts';
import { reportRestarts, seedRunning, untilAllReady } from './seeded.ts';
import { signInAll, startWorld, type World } from './world.ts';

/** Changes at the same time: more than one, as in practice, but so few that no queue is measured. */
const concurrency = 2;

export async function measureRelay({ quick, size }: Scale): Promise<Result> {
  const changes = quick ? 200 : 2_000;
  const world = await startWorld({ hasKubelet: false });
  try {
    const people = await signInAll(world, size);
    const records = await seedRunning(
      world,
      people.map(({ userId }) => userId),
      size,
    );
    const tokenOf = new Map(people.map(({ userId, token }) => [userId, token]));
    const worker = await world.startWorker();
    await untilAllReady(world);

    const arrivals = createArrivals();
    const clients: Client[] = [];
    let messageBytes = 0;
    for (const { ownerId } of records) {
      const client = createClient({ url: world.server.url, token: tokenOf.get(ownerId) ?? '' });
      clients.push(client);
      void (async () => {
        for await (const project of client.watch()) {
          messageBytes = JSON.stringify(project).length;
          arrivals.record(project.id, restartsOf(project));
        }
      })();
    }
    await arrivals.waitForAll(records);
    const ours = await measureChanges(world, records, changes, arrivals, 1);
    for (const client of clients) await client.close();
    await worker.kill('SIGTERM');
    await world.server.kill('SIGTERM');

    const bare = await startBareRelay(world.kubeconfigPath, messageBytes);
    const sockets: WebSocket[] = [];
    await timesOf(size, 50, async (index) => {
      const id = records[index]?.id ?? '';
      const socket = new WebSocket(`ws://127.0.0.1:${bare.port}/${id}`);
      sockets.push(socket);
      socket.on('message', (data: Buffer) => arrivals.record(id, Number.parseInt(data.toString(), 10)));
      await once(socket, 'open');
    });
    const baseline = await measureChanges(world, records, changes, arrivals, 1 + Math.ceil(changes / size) + 1);
    for (const socket of sockets) socket.terminate();
    bare.stop();
    return {
      id: 'P1',
      what: `from a pod's status to the SDK's callback, ${size} projects and sockets, p99`,
      unit: 'ms',
      ours: ours.p99,
      baseline: baseline.p99,
      budget: { atMost: 2 },
      details: { 'p50 ours': ours.p50, 'p50 baseline': baseline.p50, samples: ours.samples },
    };
  } finally {
    await world.stop();
  }
}

const restartsOf = ({ containers }: Project) =>
  containers.find(({ name }) => name === 'opencode-server')?.restarts ?? 0;

/** Changes the pods in turns, one change at a time for each. The first change sets `firstRestarts` restarts. */
async function measureChanges(
  world: World,
  records: readonly ProjectRecord[],
  changes: number,
  arrivals: Arrivals,
  firstRestarts: number,
) {
  const change = async (index: number) => {
    const { id, podName } = records[index % records.length]!;
    const restarts = firstRestarts + Math.floor(index / records.length);
    const arrived = arrivals.waitFor(id, restarts);
    await reportRestarts(world, podName, restarts);
    await arrived;
  };
  const warmUp = Math.min(100, records.length);
  await timesOf(warmUp, concurrency, change);
  return spread(await timesOf(changes - warmUp, concurrency, (index) => change(warmUp + index)));
}

interface Arrivals {
  record(id: string, restarts: number): void;
  waitFor(id: string, restarts: number): Promise<void>;
  /** Resolves when a message has arrived for each record. */
  waitForAll(records: readonly { id: string }[]): Promise<void>;
}

function createArrivals(): Arrivals {
  const last = new Map<string, number>();
  const waiting = new Map<string, { restarts: number; resolve: () => void }>();
  return {
    record(id, restarts) {
      last.set(id, restarts);
      const wait = waiting.get(id);
      if (wait && restarts >= wait.restarts) {
        waiting.delete(id);
        wait.resolve();
      }
    },
    waitFor: (id, restarts) => new Promise((resolve) => waiting.set(id, { restarts, resolve })),
    async waitForAll(records) {
      while (records.some(({ id }) => !last.has(id))) await once(AbortSignal.timeout(50), 'abort');
    },
  };
}

async function startBareRelay(kubeconfigPath: string, messageBytes: number) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'bare-relay.ts')], {
    env: { ...process.env, KUBECONFIG: kubeconfigPath, MESSAGE_BYTES: String(messageBytes) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(/port (\d+)/.exec(line.toString())?.[1]);
  return { port, stop: () => void child.kill('SIGKILL') };
}
