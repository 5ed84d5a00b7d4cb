/**
 * The runtime with processes: each container of a pod is a process of this machine, in a sandbox or plain. It owns the folders
 * `volumes`, `pods` and `logs` below the data folder and every process that it has started; none of them outlives this process.
 * A pod that an earlier run has left is started again in place, so its files are there again. It must not decide about pods:
 * it does what the pod worker asks for.
 */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { Clock } from '../../../../../shared/clock.ts';
import { objectsAt, textAt, type JsonObject, type KubeObject } from '../../../api/kube-object.ts';
import type { ContainerLog } from '../../../api/pod-subresources.ts';
import type { ApiClient } from '../../api-client.ts';
import type { KubeletDelays } from '../../delays.ts';
import { initialContainerStatus, podStatusOf } from '../../pod-status.ts';
import type { ContainerRuntime, PodStep, StopResult } from '../container-runtime.ts';
import { containerPath, hasSucceeded, isRunning, terminated } from '../container-status.ts';
import { hasScenario } from '../simulated/scenarios.ts';
import { decideContainer, lostStatus } from './container-decision.ts';
import { hasKnownImages } from './container-image.ts';
import { createContainerStarter } from './container-starter.ts';
import { createContainerSupervisor, type ContainerSupervisor } from './container-supervisor.ts';
import type { Launcher } from './launcher.ts';
import { endLeftovers, ownerOf } from './leftover-processes.ts';
import { createLogFiles } from './log-files.ts';
import { createPodAddresses } from './pod-addresses.ts';
import { createPodResources } from './pod-resources.ts';
import { createVolumeFolders, type VolumeFolders } from './volume-folders.ts';

export interface ProcessRuntimeOptions {
  launcher: Launcher;
  /** An absolute path. */
  dataDir: string;
  /** Variables for OpenCode besides those of its pod. */
  openCodeEnv: Readonly<Record<string, string>>;
}

interface Connection {
  client: ApiClient;
  clock: Clock;
  delays: KubeletDelays;
  /** Asks for a step of the pod with this key. */
  requeue: (key: string) => void;
}

export interface ProcessRuntime extends ContainerRuntime {
  /** Whether it runs the pod. The others are simulated. */
  accepts(pod: JsonObject): boolean;
  volumes: VolumeFolders;
  /** Deletes what is left of pods that do not exist any more. */
  sweep(livingUids: ReadonlySet<string>): void;
  /** Ends every process. */
  close(): Promise<void>;
}

interface PodState {
  key: string;
  containers: Map<string, ContainerSupervisor>;
}

/** How long containers may take to end when this process ends. */
const closeGraceMs = 1_000;

export const acceptsPod = (pod: JsonObject): boolean => hasKnownImages(pod) && !hasScenario(pod);

/** The log of a container, from the files of its runs. */
export function createProcessLog(dataDir: string): ContainerLog {
  const logs = createLogFiles({ folder: join(dataDir, 'logs') });
  return (pod, container, { previous, afterMs }) => {
    const statuses = [
      ...objectsAt(pod, 'status', 'initContainerStatuses'),
      ...objectsAt(pod, 'status', 'containerStatuses'),
    ];
    const status = statuses.find((each) => textAt(each, 'name') === container);
    const restartCount = Number(status?.['restartCount'] ?? 0) - (previous ? 1 : 0);
    return logs.read({ uid: pod.metadata.uid, container, restartCount }, afterMs);
  };
}

export function createProcessRuntime(options: ProcessRuntimeOptions, connection: Connection): ProcessRuntime {
  const { dataDir, launcher } = options;
  const { client, clock, delays, requeue } = connection;
  endLeftovers(dataDir);
  const states = new Map<string, PodState>();
  const addresses = createPodAddresses();
  const volumes = createVolumeFolders(join(dataDir, 'volumes'));
  const logs = createLogFiles({ folder: join(dataDir, 'logs') });
  const podsFolder = join(dataDir, 'pods');
  const resources = createPodResources({ client, volumes, folder: podsFolder });
  const startContainer = createContainerStarter({ ...options, owner: ownerOf(dataDir), resources, delays });

  function supervisorOf(state: PodState, name: string): ContainerSupervisor {
    const known = state.containers.get(name);
    if (known !== undefined) return known;
    const onChange = (): void => requeue(state.key);
    const supervisor = createContainerSupervisor({ launcher, logs, probeSecondMs: delays.probeSecondMs, onChange });
    state.containers.set(name, supervisor);
    return supervisor;
  }

  async function step(pod: KubeObject): Promise<PodStep> {
    const { uid, name, namespace } = pod.metadata;
    const isNew = !states.has(uid);
    const state = states.get(uid) ?? { key: `${namespace}/${name}`, containers: new Map() };
    states.set(uid, state);
    const stepper = createStepper(pod, { state, isNew });
    const inits: JsonObject[] = [];
    let areInitsDone = true;
    for (const container of objectsAt(pod, 'spec', 'initContainers')) {
      const isDue = areInitsDone && !hasSucceeded(stepper.statusOf(container));
      const status = isDue ? await stepper.step(container, true) : stepper.statusOf(container);
      areInitsDone &&= hasSucceeded(status);
      inits.push({ ...status, ready: hasSucceeded(status) });
    }
    const containers = new Map<string, JsonObject>();
    for (const container of objectsAt(pod, 'spec', 'containers')) {
      const status = areInitsDone ? await stepper.step(container, false) : stepper.statusOf(container);
      containers.set(textAt(container, 'name'), status);
    }
    return {
      status: podStatusOf(pod, { inits, containers, ip: addresses.of(pod) }, clock.now()),
      events: stepper.events,
      retryAfterMs: stepper.retryAfterMs(),
    };
  }

  /** Steps the containers of one pod, and collects their events and when the next step is due. */
  function createStepper(pod: KubeObject, { state, isNew }: { state: PodState; isNew: boolean }) {
    const { uid, name: podName, namespace = '' } = pod.metadata;
    const hasInits = objectsAt(pod, 'spec', 'initContainers').length > 0;
    const known = new Map(
      [...objectsAt(pod, 'status', 'initContainerStatuses'), ...objectsAt(pod, 'status', 'containerStatuses')].map(
        (status) => [textAt(status, 'name'), isNew ? lostStatus(status, { hasInits, nowMs: clock.now() }) : status],
      ),
    );
    const events: PodStep['events'] = [];
    let retryAfterMs: number | undefined;
    const restartPolicy = textAt(pod, 'spec', 'restartPolicy');

    const statusOf = (container: JsonObject): JsonObject =>
      known.get(textAt(container, 'name')) ?? initialContainerStatus(container, hasInits);

    async function stepContainer(container: JsonObject, isInit: boolean): Promise<JsonObject> {
      const name = textAt(container, 'name');
      const supervisor = supervisorOf(state, name);
      const input = {
        container,
        status: statusOf(container),
        run: supervisor.run(),
        crashes: supervisor.crashes(),
        restartPolicy: isInit && restartPolicy === 'Always' ? 'OnFailure' : restartPolicy,
        pod: { name: podName, namespace, uid },
        delays,
        nowMs: clock.now(),
      };
      const decision = decideContainer(input);
      const { action } = decision;
      if (action?.kind === 'stop') supervisor.stop(graceMsOf(pod));
      const result =
        action?.kind === 'start'
          ? await startContainer(input, { pod, supervisor, isInit, address: addresses.of(pod), ...action })
          : decision;
      if (result.retryAfterMs !== undefined) retryAfterMs = Math.min(retryAfterMs ?? Infinity, result.retryAfterMs);
      for (const event of [...supervisor.takeEvents(), ...result.events]) {
        events.push({ fieldPath: event.isOfPod === true ? undefined : containerPath(name, isInit), event });
      }
      return result.status;
    }

    return { events, step: stepContainer, statusOf, retryAfterMs: () => retryAfterMs };
  }

  function stop(pod: KubeObject, graceMs: number): StopResult {
    const state = states.get(pod.metadata.uid);
    const alive = [...(state?.containers.values() ?? [])].filter((supervisor) => supervisor.isAlive());
    for (const supervisor of alive) supervisor.stop(graceMs);
    // The end of each process asks for the next step.
    if (alive.length > 0) return { retryAfterMs: graceMs + 1_000 };
    const nowMs = clock.now();
    const ended = (status: JsonObject): JsonObject => {
      if (!isRunning(status)) return status;
      const end = state?.containers.get(textAt(status, 'name'))?.run()?.end;
      return end === undefined
        ? terminated(status, { exitCode: 137, reason: 'Error', nowMs })
        : terminated(status, { exitCode: end.exitCode, reason: end.reason, nowMs: end.atMs });
    };
    const inits = objectsAt(pod, 'status', 'initContainerStatuses').map(ended);
    const statuses = objectsAt(pod, 'status', 'containerStatuses').map(ended);
    const containers = new Map(statuses.map((status) => [textAt(status, 'name'), status]));
    return { status: podStatusOf(pod, { inits, containers, ip: addresses.of(pod) }, nowMs) };
  }

  function remove(uid: string): void {
    const supervisors = [...(states.get(uid)?.containers.values() ?? [])];
    states.delete(uid);
    for (const supervisor of supervisors) supervisor.stop(0);
    void removeAfter(supervisors, uid);
  }

  async function removeAfter(supervisors: ContainerSupervisor[], uid: string): Promise<void> {
    await Promise.all(supervisors.map((supervisor) => supervisor.exited()));
    addresses.release(uid);
    removeFiles(uid);
  }

  function removeFiles(uid: string): void {
    resources.remove(uid);
    logs.remove(uid);
  }

  return {
    accepts: acceptsPod,
    volumes,
    step,
    stop,
    remove,
    sweep(livingUids) {
      for (const uid of new Set([...logs.uids(), ...foldersIn(podsFolder)])) if (!livingUids.has(uid)) removeFiles(uid);
    },
    async close() {
      const supervisors = [...states.values()].flatMap(({ containers }) => [...containers.values()]);
      for (const supervisor of supervisors) supervisor.stop(closeGraceMs);
      const ended = Promise.all(supervisors.map((supervisor) => supervisor.exited()));
      await Promise.race([ended, delay(2 * closeGraceMs, undefined, { ref: false })]);
    },
  };
}

const graceMsOf = (pod: KubeObject): number =>
  Number(textAt(pod, 'spec', 'terminationGracePeriodSeconds') || 30) * 1_000;

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // the first start
  }
}
