/** Injects the planned faults, each for its planned time, and repairs them. */

import { setTimeout as delay } from 'node:timers/promises';

import { PatchStrategy, setHeaderOptions, type V1Pod } from '@kubernetes/client-node';

import type { Fault, PassingRequest } from '../support/faulty-kubernetes.ts';
import { projectIdOf, type ClusterObserver } from './cluster-observer.ts';
import { namespace } from './cluster.ts';
import type { Ledger } from './ledger.ts';
import {
  backUp,
  becomeReplica,
  incompleteLists,
  makeDatabaseReadOnly,
  NotInjectable,
  poisonObjects,
  poisonRow,
  refuseConnections,
  takeRights,
  type Inflicted,
} from './refusals.ts';
import type { FaultKind, PlannedFault } from './schedule.ts';
import type { Sender } from './sender.ts';
import type { Supervised } from './supervised.ts';
import type { Violations } from './violations.ts';
import type { World } from './world.ts';

/** A process must end within this time after SIGTERM, whatever else has failed. */
const endLimitMs = 25_000;

export interface Faults {
  /** Injects, waits, repairs. Repairs at once when the run ends. Rejects when the fault could not be injected. */
  inject(fault: PlannedFault): Promise<void>;
  /** How often each kind was injected. */
  counts(): ReadonlyMap<FaultKind, number>;
  /** How many requests to Kubernetes the faults of a kind have answered. */
  answered(): ReadonlyMap<FaultKind, number>;
}

const hourMs = 3_600_000;

type FaultyAnswer = (request: PassingRequest) => Fault | undefined;

export function createFaults(deps: {
  world: World;
  observer: ClusterObserver;
  violations: Violations;
  ledger: Ledger;
  sender: Sender;
  /** Ends every fault. */
  over: AbortSignal;
  log: (line: string) => void;
}): Faults {
  const { world, observer, violations, ledger, sender, over, log } = deps;
  const { postgres, redis, kubernetes, cluster } = world;
  /** At one place faults follow each other, also when a repair takes longer than planned. */
  const places = new Map<string, Promise<void>>();
  const answers = new Set<FaultyAnswer>();
  const counts = new Map<FaultKind, number>();
  const answered = new Map<FaultKind, number>();
  kubernetes.fault = (request) => {
    for (const answer of answers) {
      const fault = answer(request);
      if (fault !== undefined) return fault;
    }
    return undefined;
  };

  /** Ends early when the run ends. */
  const lasting = (ms: number) => delay(ms, undefined, { signal: over }).catch(() => undefined);
  const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;

  function processAt(place: string): Supervised {
    const found = [...world.servers, ...world.workers].find(({ name }) => name === place);
    if (!found) throw new Error(`There is no ${place}.`);
    return found;
  }

  async function stopInOrder(one: Supervised): Promise<void> {
    const ended = await one.end('SIGTERM');
    if (!ended) return;
    const { exit, tookMs } = ended;
    log(`${one.name} ended ${seconds(tookMs)} after SIGTERM (${exit.signal ?? `exit code ${exit.code}`})`);
    if (tookMs > endLimitMs || exit.code !== 0) {
      const how = `${seconds(tookMs)} after SIGTERM (${exit.signal ?? `exit code ${exit.code}`})`;
      violations.report('I7', null, `${one.name} ended ${how}; expected exit code 0 within 25 s`);
    }
  }

  async function answering(kind: FaultKind, { answer, ms }: { answer: FaultyAnswer; ms: number }): Promise<void> {
    const counted: FaultyAnswer = (request) => {
      const fault = answer(request);
      if (fault !== undefined) answered.set(kind, (answered.get(kind) ?? 0) + 1);
      return fault;
    };
    answers.add(counted);
    await lasting(ms);
    answers.delete(counted);
  }

  /** Lets it last, and repairs it. */
  async function lastingUntilRepair(inflicting: Promise<Inflicted> | Inflicted, ms: number): Promise<void> {
    const { repair } = await inflicting;
    await lasting(ms);
    await repair();
  }

  function podAt(pick: number): V1Pod | undefined {
    const pods = observer.livePods().filter((pod) => pod.metadata?.deletionTimestamp === undefined);
    return pods[Math.floor(pick * pods.length)];
  }

  function requiredPod(pick: number): V1Pod {
    const pod = podAt(pick);
    if (!pod) throw new NotInjectable('there is no pod');
    return pod;
  }

  async function wrongClock(one: Supervised, { byMs, forMs }: { byMs: number; forMs: number }): Promise<void> {
    one.current()?.setClock(byMs);
    await lasting(forMs);
    one.current()?.setClock(0);
  }

  async function onPod(pick: number, change: (name: string) => Promise<unknown>): Promise<void> {
    const name = requiredPod(pick).metadata?.name ?? '';
    await change(name).catch((error: unknown) => {
      if ((error as { code?: unknown }).code !== 404) throw error; // it was deleted in the meantime
    });
  }

  async function carryOut(fault: PlannedFault): Promise<void> {
    const { kind, place, forMs, pick } = fault;
    switch (kind) {
      case 'worker killed':
      case 'server killed':
        await processAt(place).end('SIGKILL');
        await lasting(forMs);
        return processAt(place).start();
      case 'worker stopped':
      case 'server stopped':
        await stopInOrder(processAt(place));
        await lasting(forMs);
        return processAt(place).start();
      case 'worker frozen': {
        const frozen = processAt(place).current();
        frozen?.freeze();
        await lasting(forMs);
        return frozen?.thaw();
      }
      case 'Redis killed':
      case 'PostgreSQL killed': {
        const service = kind === 'Redis killed' ? redis : postgres;
        await service.kill();
        await lasting(forMs);
        return service.start();
      }
      case 'Redis frozen':
      case 'PostgreSQL frozen': {
        const service = kind === 'Redis frozen' ? redis : postgres;
        service.freeze();
        await lasting(forMs);
        return service.thaw();
      }
      case 'PostgreSQL read-only':
        return lastingUntilRepair(makeDatabaseReadOnly(world), forMs);
      case 'PostgreSQL refuses connections':
        return lastingUntilRepair(refuseConnections(world), forMs);
      case 'PostgreSQL restored':
        return lastingUntilRepair(backUp(world, { sender, ledger }), forMs);
      case 'Redis refuses rights':
        return lastingUntilRepair(takeRights(world, pick), forMs);
      case 'Redis is a replica':
        return lastingUntilRepair(becomeReplica(world), forMs);
      case 'Redis flushed':
        return redis.flushAll();
      case 'Redis full':
        await redis.fill();
        await lasting(forMs);
        return redis.empty();
      case 'row poisoned':
        return lastingUntilRepair(poisonRow(world, projectIdOf(requiredPod(pick))), forMs);
      case 'Kubernetes objects poisoned':
        return lastingUntilRepair(poisonObjects(world, requiredPod(pick).metadata?.name ?? '', pick), forMs);
      case 'Kubernetes lists incompletely':
        for (const watch of kubernetes.watches) watch.reset(); // so that everything is listed
        return answering(kind, { answer: incompleteLists(cluster, pick), ms: forMs });
      case 'clock of worker wrong':
        return wrongClock(processAt(place.slice('clock of '.length)), { byMs: pick < 0.5 ? hourMs : -hourMs, forMs });
      case 'Kubernetes answers 403':
      case 'Kubernetes answers 500': {
        const status = kind === 'Kubernetes answers 403' ? 403 : 500;
        const verb = verbs[Math.floor(pick * verbs.length)];
        const answer: FaultyAnswer = (request) =>
          verbOf(request) === verb ? failure(status, `chaos: no ${verb}`) : undefined;
        return answering(kind, { answer, ms: forMs });
      }
      case 'Kubernetes answers 429': {
        const headers = { 'retry-after': String(1 + Math.floor(pick * 3)) };
        const answer = () => ({ ...failure(429, 'chaos: too many requests'), headers });
        return answering(kind, { answer, ms: forMs });
      }
      case 'Kubernetes hangs':
        return answering(kind, { answer: () => (pick < 0.5 ? 'hang' : 'hang-in-body'), ms: forMs });
      case 'Kubernetes answers lost':
        return answering(kind, { answer: ({ method }) => (method === 'GET' ? undefined : 'lose-answer'), ms: forMs });
      case 'Kubernetes unavailable':
        await kubernetes.goAway();
        await lasting(forMs);
        return kubernetes.comeBack();
      case 'Kubernetes connections cut':
        return kubernetes.cut();
      case 'pod deleted by hand':
        return onPod(pick, (name) => cluster.api.deleteNamespacedPod({ name, namespace }));
      case 'pod evicted':
        return onPod(pick, (name) =>
          cluster.api.patchNamespacedPodStatus(
            { name, namespace, body: { status: { phase: 'Failed', reason: 'Evicted', message: 'chaos' } } },
            setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
          ),
        );
      case 'sockets cut':
        return proxyOf(place).reset();
      case 'network slow':
        proxyOf(place).slowDown(50 + Math.round(pick * 250));
        await lasting(forMs);
        return proxyOf(place).restore();
    }
  }

  function proxyOf(place: string) {
    const proxy = world.proxies[Number(place.at(-1))];
    if (!proxy) throw new Error(`There is no ${place}.`);
    return proxy;
  }

  return {
    async inject(fault) {
      const before = places.get(fault.place) ?? Promise.resolve();
      const done = (async () => {
        await before;
        if (over.aborted) return;
        log(describeFault(fault));
        counts.set(fault.kind, (counts.get(fault.kind) ?? 0) + 1);
        await carryOut(fault).catch((error: unknown) => {
          if (!(error instanceof NotInjectable)) throw error;
          log(`not injected: ${error.message}`);
          counts.set(fault.kind, (counts.get(fault.kind) ?? 1) - 1);
        });
      })();
      places.set(
        fault.place,
        done.catch(() => undefined), // the caller gets the error; the next fault still follows
      );
      await done;
    },
    counts: () => counts,
    answered: () => answered,
  };
}

const verbs = ['GET', 'POST', 'DELETE', 'WATCH'] as const;

function verbOf({ method, isWatch }: PassingRequest): string {
  return isWatch ? 'WATCH' : method;
}

function failure(status: number, message: string) {
  return { status, body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status, message } };
}

function describeFault({ kind, place, forMs }: PlannedFault): string {
  const where = /^(worker|server) \d$/.test(place) ? kind.replace(/^(worker|server)/, place) : kind;
  const at = place.startsWith('network of server') ? ` (${place})` : '';
  return `${where}${at}${forMs === 0 ? '' : `, for ${(forMs / 1_000).toFixed(1)} s`}`;
}
