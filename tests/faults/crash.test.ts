/**
 * Fault 1: a worker is killed (kill -9) after each step of each command. One worker works on a project for every point of
 * death. Proxies and row locks hold each project at its point, then a single kill hits all of them, and a single successor
 * must converge all of them.
 */

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import type { ProjectRecord } from '../../src/shared/node/db/project-record.ts';
import type { Fault, PassingRequest } from '../support/faulty-kubernetes.ts';
import { gate, isAbout, isCall, type Plural, type Verb } from '../support/kubernetes-refusal.ts';
import type { ServiceProcess } from '../support/processes.ts';
import { recordRows, type RowVersion } from '../support/row-history.ts';
import { proxyOf } from '../support/tcp-proxy.ts';
import {
  createWorkerSystem,
  startQuickCluster,
  type QuickCluster,
  type WorkerSystem,
} from '../support/worker-system.ts';
import { startTunedWorker } from './tuned-worker-process.ts';

const namespace = 'opencode';
/** From the death of the worker, with the times of production: BullMQ hands its job over after 15 to 25 seconds. */
const convergenceMs = 60_000;
const waiting = { timeout: 30_000, interval: 20 };
vi.setConfig({ testTimeout: convergenceMs + 5_000 });

const createClaim = 'POST persistentvolumeclaims';
const createSecret = 'POST secrets';
const createPod = 'POST pods';
const deletePod = 'DELETE pods';
const deleteClaim = 'DELETE persistentvolumeclaims';

type Command = 'create' | 'stop' | 'restart' | 'delete';

interface Life {
  /** What the cluster carries out for this command, by however many workers. */
  sent: string[];
  /** The status while the command is carried out, and at the end. It never goes back. */
  statuses: [ProjectRecord['status'], ProjectRecord['status']];
  end: Partial<ProjectRecord>;
}

const lives: Record<Command, Life> = {
  create: {
    sent: [createClaim, createSecret, createPod],
    statuses: ['initializing', 'ready'],
    end: { generation: 1, observedGeneration: 1 },
  },
  stop: {
    sent: [deletePod],
    statuses: ['stopping', 'stopped'],
    end: { generation: 2, observedGeneration: 2, podUid: null },
  },
  restart: {
    sent: [deletePod, createSecret, createPod],
    statuses: ['initializing', 'ready'],
    end: { generation: 2, observedGeneration: 2 },
  },
  delete: {
    sent: [deletePod, deleteClaim],
    statuses: ['deleting', 'archived'],
    end: { generation: 2, observedGeneration: 2, podUid: null },
  },
};

/**
 * How a project is held at its point. `arrival`: this request has arrived, and is never forwarded. `answer`: the cluster has
 * carried it out, and half of the answer is on its way. `row`: the worker has the answer, and the row is locked. `queue`: the
 * row is written, and Redis is silent, so neither the stream nor the queue has heard of it. `after`: the request counts only
 * when the cluster has carried this out.
 */
interface Hold {
  kind: 'arrival' | 'answer' | 'row' | 'queue';
  verb: Verb;
  plural: Plural;
  after?: string;
}

interface Death {
  command: Command;
  when: string;
  hold: Hold;
  /** What the cluster has carried out by then. */
  before: string[];
  /** The secret is sent again when the pod was not created: that is harmless. */
  sentTwice?: string;
}

const claims = 'persistentvolumeclaims';
const deaths: Death[] = [
  {
    command: 'create',
    when: 'before its first request',
    hold: { kind: 'arrival', verb: 'GET', plural: claims },
    before: [],
  },
  {
    command: 'create',
    when: 'before the answer to the creation of the volume',
    hold: { kind: 'answer', verb: 'POST', plural: claims },
    before: [createClaim],
  },
  {
    command: 'create',
    when: 'after the creation of the volume',
    hold: { kind: 'arrival', verb: 'POST', plural: 'secrets' },
    before: [createClaim],
  },
  {
    command: 'create',
    when: 'after the creation of the secret',
    hold: { kind: 'arrival', verb: 'POST', plural: 'pods' },
    before: [createClaim, createSecret],
    sentTwice: createSecret,
  },
  {
    command: 'create',
    when: 'before the answer to the creation of the pod',
    hold: { kind: 'answer', verb: 'POST', plural: 'pods' },
    before: [createClaim, createSecret, createPod],
  },
  {
    command: 'create',
    when: 'after the creation of the pod, before the row is written',
    hold: { kind: 'row', verb: 'POST', plural: 'pods' },
    before: [createClaim, createSecret, createPod],
  },
  {
    command: 'create',
    when: 'after the row is written, before the stream and the queue are',
    hold: { kind: 'queue', verb: 'POST', plural: 'pods' },
    before: [createClaim, createSecret, createPod],
  },
  {
    command: 'stop',
    when: 'before its first request',
    hold: { kind: 'arrival', verb: 'GET', plural: 'pods' },
    before: [],
  },
  {
    command: 'stop',
    when: 'after the deletion of the pod, before the row is written',
    hold: { kind: 'row', verb: 'DELETE', plural: 'pods' },
    before: [deletePod],
  },
  {
    command: 'stop',
    when: 'after the row is written, before the stream and the queue are',
    hold: { kind: 'queue', verb: 'DELETE', plural: 'pods' },
    before: [deletePod],
  },
  {
    command: 'restart',
    when: 'before its first request',
    hold: { kind: 'arrival', verb: 'GET', plural: 'pods' },
    before: [],
  },
  {
    command: 'restart',
    when: 'after the deletion of the old pod',
    hold: { kind: 'arrival', verb: 'GET', plural: 'pods', after: deletePod },
    before: [deletePod],
  },
  {
    command: 'restart',
    when: 'before the creation of the new pod',
    hold: { kind: 'arrival', verb: 'POST', plural: 'pods' },
    before: [deletePod, createSecret],
    sentTwice: createSecret,
  },
  {
    command: 'restart',
    when: 'after the creation of the new pod, before the row is written',
    hold: { kind: 'row', verb: 'POST', plural: 'pods' },
    before: [deletePod, createSecret, createPod],
  },
  {
    command: 'restart',
    when: 'after the row is written, before the stream and the queue are',
    hold: { kind: 'queue', verb: 'POST', plural: 'pods' },
    before: [deletePod, createSecret, createPod],
  },
  {
    command: 'delete',
    when: 'before its first request',
    hold: { kind: 'arrival', verb: 'GET', plural: 'pods' },
    before: [],
  },
  {
    command: 'delete',
    when: 'before the answer to the deletion of the pod',
    hold: { kind: 'answer', verb: 'DELETE', plural: 'pods' },
    before: [deletePod],
  },
  {
    command: 'delete',
    when: 'after the deletion of the pod',
    hold: { kind: 'arrival', verb: 'DELETE', plural: claims },
    before: [deletePod],
  },
  {
    command: 'delete',
    when: 'before the answer to the deletion of the volume',
    hold: { kind: 'answer', verb: 'DELETE', plural: claims },
    before: [deletePod, deleteClaim],
  },
  {
    command: 'delete',
    when: 'after the deletion of the volume, before the row is written',
    hold: { kind: 'row', verb: 'DELETE', plural: claims },
    before: [deletePod, deleteClaim],
  },
  {
    command: 'delete',
    when: 'after the row is written, before the stream and the queue are',
    hold: { kind: 'queue', verb: 'DELETE', plural: claims },
    before: [deletePod, deleteClaim],
  },
];

/** A project that a worker works on when it is killed. */
interface Victim {
  death: Death;
  project: ProjectRecord;
  /** How many requests there had been when the command was given. */
  from: number;
  claimUid: string | null;
  sentAtDeath: string[];
}

let cluster: QuickCluster;
let system: WorkerSystem;
let victims: Map<Death, Victim>;
let historyOf: (id: string) => Promise<RowVersion[]>;
let diedAt: number;

beforeAll(async () => {
  cluster = await startQuickCluster();
  system = await createWorkerSystem(cluster);
  victims = await prepare();
  await killAtAllPoints();
  // The successor comes with the times of production.
  await system.startWorker({}, { random: Math.random, watchTimes: { ttlMs: 10_000, renewMs: 3_000 } });
}, 120_000);
afterAll(async () => {
  await system.stop();
  await cluster.stop();
});

/** Projects that are ready for their command. The worker that created them has left. */
async function prepare(): Promise<Map<Death, Victim>> {
  const worker = await system.startWorker();
  const existing = deaths.filter(({ command }) => command !== 'create');
  const created: { death: Death; id: string }[] = [];
  for (const death of existing) created.push({ death, id: (await system.create()).id });
  const prepared = new Map<Death, Victim>();
  for (const { death, id } of created) {
    const project = await system.until(id, { status: 'ready', observedGeneration: 1 }, convergenceMs);
    prepared.set(death, { death, project, from: 0, claimUid: await system.claimUid(id), sentAtDeath: [] });
  }
  await worker.stop();
  return prepared;
}

/** Gives every command, waits until every project is at its point, and kills the worker. */
async function killAtAllPoints(): Promise<void> {
  const redis = await proxyOf(system.places.redisUrl);
  const doomed = await startTunedWorker({ ...system.places, redisUrl: redis.url }, { concurrency: 40 });
  try {
    await vi.waitFor(async () => expect(await doomed.metric('opencode_watch_connected')).toBe(1), waiting);
    historyOf = await recordRows(system.db);
    await system.jobs.pause(); // until the requests can be held
    await giveCommands();
    const { isAtPoint, release } = holdRequests();
    await system.jobs.resume();
    const all = [...victims.values()];
    await vi.waitFor(() => {
      expect(all.filter((victim) => !isAtPoint(victim)).map(({ death }) => death)).toEqual([]);
    }, waiting);

    redis.proxy.freeze();
    release('queue');
    for (const { death, project } of all.filter(({ death: { hold } }) => hold.kind === 'queue')) {
      const { generation = 0 } = lives[death.command].end;
      await system.until(project.id, { observedGeneration: generation }, waiting.timeout);
    }
    await lockRowsAndKill(doomed, () => release('row'));
  } finally {
    await doomed.kill();
    await redis.proxy.close();
  }
  system.kubernetes.fault = () => undefined;
  for (const victim of victims.values()) {
    victim.sentAtDeath = sentFor(victim);
    victim.claimUid ??= await system.claimUid(victim.project.id);
  }
}

/** The lock comes last: after five seconds PostgreSQL cancels the statements that wait for it. */
async function lockRowsAndKill(doomed: ServiceProcess, releaseRequests: () => void): Promise<void> {
  const locked = [...victims.values()].filter(({ death }) => death.hold.kind === 'row');
  const lock = await system.db.transaction();
  try {
    const ids = locked.map(({ project }) => project.id);
    await lock('projects').whereIn('id', ids).forUpdate();
    releaseRequests();
    await vi.waitFor(async () => {
      for (const victim of locked) expect(sentFor(victim)).toEqual(victim.death.before);
      expect(await waitingWrites()).toBeGreaterThanOrEqual(locked.length);
    }, waiting);
    expect(await doomed.kill()).toEqual({ code: null, signal: 'SIGKILL' });
    diedAt = performance.now();
    await endWaitingWrites();
  } finally {
    await lock.rollback();
  }
}

async function giveCommands(): Promise<void> {
  for (const death of deaths) {
    const from = system.kubernetes.requests.length;
    const victim = victims.get(death);
    if (victim && death.command !== 'create') {
      victim.from = from;
      await system.command(victim.project.id, death.command);
    } else {
      victims.set(death, { death, project: await system.create(), from, claimUid: null, sentAtDeath: [] });
    }
  }
}

/** From now on the requests of each project are held at its point. */
function holdRequests() {
  const all = [...victims.values()];
  const held = new Set<Victim>();
  const answered = new Map<Victim, PassingRequest>();
  const gates = { row: gate(), queue: gate() };

  system.kubernetes.fault = (request): Fault | undefined => {
    const victim = all.find(({ project }) => isAbout(request, project.id));
    if (!victim) return undefined;
    const { hold } = victim.death;
    const { kind, verb, plural, after } = hold;
    if (held.has(victim)) return kind === 'row' || kind === 'queue' ? undefined : 'hang';
    if (!isCall(verb, plural)(request)) return undefined;
    if (after !== undefined && !sentFor(victim).includes(after)) return undefined;
    held.add(victim);
    if (kind === 'row' || kind === 'queue') return gates[kind].closed;
    if (kind === 'arrival') return 'hang';
    answered.set(victim, request);
    return 'hang-in-body';
  };

  return {
    isAtPoint: (victim: Victim) =>
      victim.death.hold.kind === 'answer' ? typeof answered.get(victim)?.status === 'number' : held.has(victim),
    release: (kind: keyof typeof gates) => gates[kind].open(),
  };
}

/** What the cluster has carried out for the command, except reads, in order. */
function sentFor({ project, from }: Victim): string[] {
  const ofProject = system.kubernetes.requests.slice(from).filter((request) => isAbout(request, project.id));
  return ofProject
    .filter(({ method, status }) => method !== 'GET' && status !== null)
    .map(({ method, path }) => {
      const segments = path.split('/');
      return `${method} ${segments[segments.indexOf(namespace) + 1]}`;
    });
}

const workerConnections = () =>
  system.db('pg_stat_activity').whereRaw('datname = current_database()').where({ applicationName: 'opencode-worker' });

async function waitingWrites(): Promise<number> {
  return (await workerConnections().where({ waitEventType: 'Lock' })).length;
}

/** PostgreSQL notices the death of its client only after it has the lock, and would still write. */
async function endWaitingWrites(): Promise<void> {
  await workerConnections().select(system.db.raw('pg_terminate_backend(pid)'));
  await vi.waitFor(async () => expect(await workerConnections()).toEqual([]), waiting);
}

describe('fault 1: a worker is killed (kill -9)', () => {
  it.each(deaths)(
    'during a $command, $when: one pod and one volume, or none, and the command is carried out within 60 s',
    async (death) => {
      const victim = victims.get(death);
      if (!victim) throw new Error('The project was not prepared.');
      const { id, podName } = victim.project;
      const { sent, statuses, end } = lives[death.command];
      const [during, settled] = statuses;
      expect(victim.sentAtDeath).toEqual(death.before);
      const leftMs = convergenceMs - (performance.now() - diedAt);
      const row = await system.until(id, { ...end, status: settled, podError: null }, leftMs);

      const pods = (await system.podsOf(id)).map(({ metadata }) => ({ name: metadata?.name, uid: metadata?.uid }));
      expect(pods).toEqual(settled === 'ready' ? [{ name: podName, uid: row.podUid }] : []);
      const claimUids = await claimUidsOf(id);
      if (death.command === 'delete') expect(claimUids).toEqual([]);
      else expect(claimUids).toEqual([victim.claimUid ?? expect.any(String)]);
      const { sentTwice } = death;
      expect(sentFor(victim)).toEqual(sent.flatMap((each) => (each === sentTwice ? [each, each] : [each])));

      const history = await historyOf(id);
      const versions = history.map(({ version }) => version);
      expect(versions).toEqual(versions.map((_, index) => victim.project.statusVersion + 1 + index));
      const shown = history.map(({ status }) => status);
      const settledFrom = shown.indexOf(settled);
      expect(shown).toEqual(shown.map((_, index) => (index < settledFrom ? during : settled)));
    },
  );

  it('leaves no job behind', async () => {
    await vi.waitFor(async () => {
      const counts = await system.jobs.getJobCounts('wait', 'active', 'delayed', 'failed');
      expect(counts).toEqual({ wait: 0, active: 0, delayed: 0, failed: 0 });
    }, convergenceMs);
  });
});

async function claimUidsOf(id: string): Promise<(string | undefined)[]> {
  const labelSelector = `project-id=${id}`;
  const { items } = await cluster.api.listNamespacedPersistentVolumeClaim({ namespace, labelSelector });
  return items.map(({ metadata }) => metadata?.uid);
}
