/** Serves a watch: a stream of the changes of one collection. */

import type { ServerResponse } from 'node:http';

import type { JsonObject, KubeObject } from './kube-object.ts';
import { matcherOf, readRevision } from './list.ts';
import { apiVersionOf, storeKeyOf, type ResourceDefinition } from './resource-definition.ts';
import { statusError } from './status-error.ts';
import type { Change, Store } from './store.ts';

interface WatchOptions {
  store: Store;
  definition: ResourceDefinition;
  namespace: string | undefined;
  query: URLSearchParams;
  /** Converts the object to the form that the client accepts. */
  present: (object: KubeObject) => JsonObject;
  bookmarkIntervalMs: number;
}

interface Frame {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: JsonObject;
}

/** A client that does not read is disconnected when its unsent data is larger. It resumes or relists. */
const backlogLimitBytes = 16 * 1024 * 1024;
const longestWatchMs = 60 * 60 * 1000;

/**
 * Streams the changes after a resourceVersion until the client disconnects or the time is up. Without a resourceVersion it
 * starts with the objects that exist.
 *
 * @returns a function that ends the watch
 * @throws StatusError for an invalid query, before anything is sent
 */
export function serveWatch(response: ServerResponse, options: WatchOptions): () => void {
  const { store, definition, query } = options;
  const matches = matcherOf(definition, options.namespace, query);
  checkInitialEvents(query);
  const timeoutMs = readTimeoutMs(query.get('timeoutSeconds') ?? '');
  const resource = storeKeyOf(definition);
  const backlog = initialFrames(options, resource, matches);

  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  response.flushHeaders();
  let isOpen = true;
  const send = (frame: Frame): void => {
    if (!isOpen) return;
    response.write(`${JSON.stringify(frame)}\n`);
    if (response.writableLength > backlogLimitBytes) {
      end();
      response.destroy();
    }
  };
  const bookmark = (annotations?: Record<string, string>): void =>
    send({
      type: 'BOOKMARK',
      object: {
        kind: definition.kind,
        apiVersion: apiVersionOf(definition),
        metadata: {
          resourceVersion: `${store.revision()}`,
          creationTimestamp: null,
          ...(annotations === undefined ? {} : { annotations }),
        },
      },
    });

  const unsubscribe = store.subscribe((change) => {
    if (change.resource !== resource) return;
    const frame = frameOf(change, matches, options.present);
    if (frame !== undefined) send(frame);
  });
  const timers = [setTimeout(end, timeoutMs)];
  const allowsBookmarks = ['true', '1'].includes(query.get('allowWatchBookmarks') ?? '');
  if (allowsBookmarks) {
    timers.push(setInterval(() => bookmark(), options.bookmarkIntervalMs));
    // With a bookmark shortly before the end, the next watch of the client repeats few changes.
    timers.push(setTimeout(() => bookmark(), Math.max(timeoutMs - 2000, timeoutMs / 2)));
  }
  function end(): void {
    if (!isOpen) return;
    isOpen = false;
    unsubscribe();
    for (const timer of timers) clearTimeout(timer);
    response.end();
  }
  response.on('close', end);
  for (const frame of backlog) send(frame);
  if (allowsBookmarks && query.get('sendInitialEvents') === 'true') bookmark({ 'k8s.io/initial-events-end': 'true' });
  return end;
}

function initialFrames(
  { store, query, present }: WatchOptions,
  resource: string,
  matches: (object: KubeObject) => boolean,
): Frame[] {
  const from = query.get('resourceVersion') ?? '';
  const sendInitialEvents = query.get('sendInitialEvents');
  const hasStart = from !== '' && from !== '0';
  if (sendInitialEvents === 'true' || (sendInitialEvents === null && !hasStart)) {
    return store
      .list(resource)
      .filter(matches)
      .map((object) => ({ type: 'ADDED', object: present(object) }));
  }
  if (!hasStart) return [];
  const revision = readRevision(from);
  const changes = store.changesSince(resource, revision);
  if (changes === 'forgotten') {
    // As in the real API, this error is the only event of the stream.
    const error = statusError.expired(`too old resource version: ${revision} (${store.revision()})`);
    return [{ type: 'ERROR', object: error.toStatus() }];
  }
  return changes.flatMap((change) => frameOf(change, matches, present) ?? []);
}

/** The rules of the real API for streaming lists (WatchList, on by default since Kubernetes 1.34). */
function checkInitialEvents(query: URLSearchParams): void {
  const isRequested = query.has('sendInitialEvents');
  const match = query.get('resourceVersionMatch') ?? '';
  if (isRequested && match !== 'NotOlderThan') {
    throw statusError.unprocessable(
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
    );
  }
  if (!isRequested && match !== '') {
    throw statusError.unprocessable(
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
    );
  }
}

/** A change as a watcher with a selector sees it. An object that stops matching is deleted for it; one that starts is added. */
function frameOf(
  change: Change,
  matches: (object: KubeObject) => boolean,
  present: (object: KubeObject) => JsonObject,
): Frame | undefined {
  const matched = change.previous !== undefined && matches(change.previous);
  const isMatching = change.type !== 'DELETED' && matches(change.object);
  if (isMatching) return { type: matched ? 'MODIFIED' : 'ADDED', object: present(change.object) };
  if (!matched || change.previous === undefined) return undefined;
  if (change.type === 'DELETED') return { type: 'DELETED', object: present(change.object) };
  // The event has the last state that matched, with the revision at which the object stopped matching.
  const metadata = { ...change.previous.metadata, resourceVersion: `${change.revision}` };
  return { type: 'DELETED', object: present({ ...change.previous, metadata }) };
}

function readTimeoutMs(text: string): number {
  if (text === '') return longestWatchMs;
  const seconds = Number(text);
  if (!Number.isSafeInteger(seconds) || seconds < 0) {
    throw statusError.badRequest('timeoutSeconds must be a whole number, 0 or more');
  }
  return seconds === 0 ? longestWatchMs : Math.min(seconds * 1000, 2 ** 31 - 1);
}
