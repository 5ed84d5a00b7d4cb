import type { ServerResponse } from 'node:http';

import type { Crud, Target } from './crud.ts';
import { readDeleteOptions, type createDeletion } from './deletion.ts';
import {
  isJsonObject,
  kubeTime,
  objectsAt,
  textAt,
  valueAt,
  type Json,
  type JsonObject,
  type KubeObject,
} from './kube-object.ts';
import { storeKeyOf } from './resource-definition.ts';
import { statusError } from './status-error.ts';
import type { Store } from './store.ts';

/** One line that a container has said. */
export interface LogLine {
  atMs: number;
  text: string;
}

/** What a container of a pod has said until now; `previous` means its run before the last restart. */
export type ContainerLog = (
  pod: KubeObject,
  container: string,
  options: { previous: boolean; nowMs: number },
) => LogLine[];

interface Deps {
  store: Store;
  crud: Crud;
  deletion: ReturnType<typeof createDeletion>;
  containerLog: ContainerLog;
  nowMs: () => number;
  logIntervalMs: number;
}

/** The actions on pods that are neither reads nor writes of the object itself. */
export function createPodSubresources({ store, crud, deletion, containerLog, nowMs, logIntervalMs }: Deps) {
  /** Assigns a pod to a node, once. */
  function bind(target: Target, body: Json, dryRun: boolean): JsonObject {
    const pod = crud.get(target);
    const node = textAt(body, 'target', 'name');
    const conflict = (why: string): Error => statusError.conflict(target.definition, target.name, why);
    if (node === '') throw statusError.unprocessable('Binding is invalid: target.name: Required value');
    const desiredUid = textAt(body, 'metadata', 'uid');
    if (desiredUid !== '' && desiredUid !== pod.metadata.uid) {
      throw conflict(
        `Precondition failed: UID in precondition: ${desiredUid}, UID in object meta: ${pod.metadata.uid}`,
      );
    }
    if (pod.metadata.deletionTimestamp !== undefined) {
      throw conflict(`pod ${target.name} is being deleted, cannot be assigned to a host`);
    }
    const current = textAt(pod, 'spec', 'nodeName');
    if (current !== '') throw conflict(`pod ${target.name} is already assigned to node "${current}"`);
    if (!dryRun) store.put(storeKeyOf(target.definition), boundTo(pod, node, nowMs()));
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
  }

  /** Deletes a pod on behalf of somebody who empties a node; there are no disruption budgets here. */
  function evict(target: Target, body: Json, query: URLSearchParams): JsonObject {
    const options = valueAt(body, 'deleteOptions');
    deletion.remove(target, readDeleteOptions(isJsonObject(options) ? options : {}, query));
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
  }

  /** Sends a container's log, and with `follow` what is said later, until the container ends. */
  function sendLog(response: ServerResponse, target: Target, query: URLSearchParams): () => void {
    const container = chooseContainer(crud.get(target), query.get('container') ?? '');
    if (container === undefined) {
      // As the real API does for a pod that has no node yet: there is nothing to ask.
      response.writeHead(204).end();
      return () => undefined;
    }
    const options = { previous: query.get('previous') === 'true' };
    const withTimes = query.get('timestamps') === 'true';
    const uid = crud.get(target).metadata.uid;
    const read = (pod: KubeObject): LogLine[] => containerLog(pod, container, { ...options, nowMs: nowMs() });
    const lines = read(crud.get(target));
    const first = chooseLines(lines, query, nowMs());
    response.writeHead(200, { 'content-type': 'text/plain' });
    const write = (line: LogLine): void => {
      response.write(`${withTimes ? `${new Date(line.atMs).toISOString()} ` : ''}${line.text}\n`);
    };
    first.forEach(write);
    if (query.get('follow') !== 'true') {
      response.end();
      return () => undefined;
    }
    response.flushHeaders();
    let lastAtMs = lines.at(-1)?.atMs ?? 0;
    const step = (): void => {
      const pod = store.get(storeKeyOf(target.definition), target.namespace, target.name);
      if (pod === undefined || pod.metadata.uid !== uid) return end();
      for (const line of read(pod).filter(({ atMs }) => atMs > lastAtMs)) {
        write(line);
        lastAtMs = line.atMs;
      }
      const status = objectsAt(pod, 'status', 'containerStatuses').find((item) => item['name'] === container);
      if (valueAt(status, 'state', 'running') === undefined) end();
    };
    const timer = setInterval(step, logIntervalMs);
    function end(): void {
      clearInterval(timer);
      response.end();
    }
    response.on('close', end);
    return end;
  }

  return { bind, evict, sendLog };
}

function boundTo(pod: KubeObject, node: string, nowMs: number): KubeObject {
  const others = objectsAt(pod, 'status', 'conditions').filter((condition) => condition['type'] !== 'PodScheduled');
  const scheduled = { type: 'PodScheduled', status: 'True', lastTransitionTime: kubeTime(nowMs) };
  return {
    ...pod,
    spec: { ...(isJsonObject(pod['spec']) ? pod['spec'] : {}), nodeName: node },
    status: { ...(isJsonObject(pod['status']) ? pod['status'] : {}), conditions: [...others, scheduled] },
  };
}

/** The container that a log request means, if it can have said anything yet; undefined for a pod without a node. */
function chooseContainer(pod: KubeObject, asked: string): string | undefined {
  const name = pod.metadata.name;
  const names = objectsAt(pod, 'spec', 'containers').map((container) => textAt(container, 'name'));
  if (asked === '' && names.length > 1) {
    throw statusError.badRequest(
      `a container name must be specified for pod ${name}, choose one of: [${names.join(' ')}]`,
    );
  }
  const container = asked === '' ? (names[0] ?? '') : asked;
  if (!names.includes(container)) {
    throw statusError.badRequest(`container ${container.slice(0, 100)} is not valid for pod ${name}`);
  }
  if (textAt(pod, 'spec', 'nodeName') === '') return undefined;
  const status = objectsAt(pod, 'status', 'containerStatuses').find((item) => item['name'] === container);
  const waiting = textAt(status, 'state', 'waiting', 'reason');
  if (status === undefined || (waiting !== '' && valueAt(status, 'lastState', 'terminated') === undefined)) {
    throw statusError.badRequest(
      `container "${container}" in pod "${name}" is waiting to start: ${waiting || 'ContainerCreating'}`,
    );
  }
  return container;
}

function chooseLines(lines: LogLine[], query: URLSearchParams, nowMs: number): LogLine[] {
  const tail = readCount(query, 'tailLines');
  const since = readCount(query, 'sinceSeconds');
  const recent = since === undefined ? lines : lines.filter((line) => line.atMs >= nowMs - since * 1000);
  return tail === undefined ? recent : tail === 0 ? [] : recent.slice(-tail);
}

function readCount(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name) ?? '';
  if (text === '') return undefined;
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 0) {
    throw statusError.unprocessable(`PodLogOptions "" is invalid: ${name}: must be a whole number, 0 or more`);
  }
  return count;
}
