/** The subresources of a pod: binding to a node, eviction and logs. */

import type { ServerResponse } from 'node:http';

import type { Clock } from '../../../shared/clock.ts';
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

/** One line of the log of a container. */
export interface LogLine {
  atMs: number;
  text: string;
}

/**
 * The log of a container until now. `previous` selects the run before the last restart. Lines until `afterMs` may be left out,
 * because the caller has them.
 */
export type ContainerLog = (
  pod: KubeObject,
  container: string,
  options: { previous: boolean; nowMs: number; afterMs?: number },
) => LogLine[];

interface Deps {
  store: Store;
  crud: Crud;
  deletion: ReturnType<typeof createDeletion>;
  containerLog: ContainerLog;
  clock: Clock;
  /** How often a followed log is read. */
  logIntervalMs: number;
}

export function createPodSubresources({ store, crud, deletion, containerLog, clock, logIntervalMs }: Deps) {
  /** Assigns a pod to a node. A second assignment is refused. */
  function bind(target: Target, body: Json, dryRun: boolean): JsonObject {
    const pod = crud.get(target);
    const node = textAt(body, 'target', 'name');
    const conflict = (detail: string): Error => statusError.conflict(target.definition, target.name, detail);
    if (node === '') throw statusError.unprocessable('Binding is invalid: target.name: Required value');
    const expectedUid = textAt(body, 'metadata', 'uid');
    if (expectedUid !== '' && expectedUid !== pod.metadata.uid) {
      throw conflict(
        `Precondition failed: UID in precondition: ${expectedUid}, UID in object meta: ${pod.metadata.uid}`,
      );
    }
    if (pod.metadata.deletionTimestamp !== undefined) {
      throw conflict(`pod ${target.name} is being deleted, cannot be assigned to a host`);
    }
    const current = textAt(pod, 'spec', 'nodeName');
    if (current !== '') throw conflict(`pod ${target.name} is already assigned to node "${current}"`);
    if (!dryRun) store.put(storeKeyOf(target.definition), boundTo(pod, node, clock.now()));
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
  }

  /** Deletes a pod for somebody who drains a node. There are no disruption budgets here. */
  function evict(target: Target, body: Json, query: URLSearchParams): JsonObject {
    const options = valueAt(body, 'deleteOptions');
    deletion.remove(target, readDeleteOptions(isJsonObject(options) ? options : {}, query));
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
  }

  /**
   * Sends the log of a container. With `follow`, sends further lines until the container ends.
   *
   * @returns a function that ends the stream
   */
  function sendLog(response: ServerResponse, target: Target, query: URLSearchParams): () => void {
    const pod = crud.get(target);
    const container = chooseContainer(pod, query.get('container') ?? '');
    if (container === undefined) {
      // As in the real API, for a pod that has no node yet.
      response.writeHead(204).end();
      return () => undefined;
    }
    const previous = query.get('previous') === 'true';
    const read = (current: KubeObject, afterMs = -Infinity): LogLine[] =>
      containerLog(current, container, { previous, nowMs: clock.now(), afterMs });
    const lines = read(pod);
    const first = chooseLines(lines, query, clock.now());
    response.writeHead(200, { 'content-type': 'text/plain' });
    const write = lineWriter(response, query);
    first.forEach(write);
    if (query.get('follow') !== 'true') {
      response.end();
      return () => undefined;
    }
    response.flushHeaders();
    return follow(response, {
      target,
      container,
      uid: pod.metadata.uid,
      read,
      write,
      lastAtMs: lines.at(-1)?.atMs ?? 0,
    });
  }

  function follow(
    response: ServerResponse,
    options: {
      target: Target;
      container: string;
      uid: string;
      read: (pod: KubeObject, afterMs: number) => LogLine[];
      write: (line: LogLine) => void;
      lastAtMs: number;
    },
  ): () => void {
    const { target, container, uid, read, write } = options;
    let { lastAtMs } = options;
    const timer = setInterval(() => {
      const pod = store.get(storeKeyOf(target.definition), target.namespace, target.name);
      if (pod === undefined || pod.metadata.uid !== uid) return end();
      for (const line of read(pod, lastAtMs).filter(({ atMs }) => atMs > lastAtMs)) {
        write(line);
        lastAtMs = line.atMs;
      }
      if (valueAt(statusOf(pod, container), 'state', 'running') === undefined) end();
    }, logIntervalMs);
    function end(): void {
      clearInterval(timer);
      response.end();
    }
    response.on('close', end);
    return end;
  }

  return { bind, evict, sendLog };
}

function lineWriter(response: ServerResponse, query: URLSearchParams): (line: LogLine) => void {
  const hasTimestamps = query.get('timestamps') === 'true';
  return ({ atMs, text }) => void response.write(`${hasTimestamps ? `${new Date(atMs).toISOString()} ` : ''}${text}\n`);
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

/**
 * The container of a log request; undefined for a pod without a node.
 *
 * @throws StatusError 400 when the container is not named, unknown or not started yet
 */
function chooseContainer(pod: KubeObject, requested: string): string | undefined {
  const name = pod.metadata.name;
  const names = objectsAt(pod, 'spec', 'containers').map((container) => textAt(container, 'name'));
  const inits = objectsAt(pod, 'spec', 'initContainers').map((container) => textAt(container, 'name'));
  if (requested === '' && names.length > 1) {
    const others = inits.length === 0 ? '' : ` or one of the init containers: [${inits.join(' ')}]`;
    throw statusError.badRequest(
      `a container name must be specified for pod ${name}, choose one of: [${names.join(' ')}]${others}`,
    );
  }
  const container = requested === '' ? (names[0] ?? '') : requested;
  if (![...names, ...inits].includes(container)) {
    throw statusError.badRequest(`container ${container.slice(0, 100)} is not valid for pod ${name}`);
  }
  if (textAt(pod, 'spec', 'nodeName') === '') return undefined;
  const status = statusOf(pod, container);
  const waiting = textAt(status, 'state', 'waiting', 'reason');
  if (status === undefined || (waiting !== '' && valueAt(status, 'lastState', 'terminated') === undefined)) {
    throw statusError.badRequest(
      `container "${container}" in pod "${name}" is waiting to start: ${waiting || 'ContainerCreating'}`,
    );
  }
  return container;
}

/** The status of a container or an init container. */
function statusOf(pod: KubeObject, container: string): JsonObject | undefined {
  const statuses = [
    ...objectsAt(pod, 'status', 'containerStatuses'),
    ...objectsAt(pod, 'status', 'initContainerStatuses'),
  ];
  return statuses.find((item) => item['name'] === container);
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
