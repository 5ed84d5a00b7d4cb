/** A local copy of one collection of the API, kept up to date by list-watch, like the reflector of client-go. */

import { isJsonObject, objectsAt, textAt, type JsonObject, type KubeObject } from '../api/kube-object.ts';
import { keyOf } from '../api/store.ts';
import { ApiFailure, type ApiClient } from './api-client.ts';
import { sleep } from './sleep.ts';

export interface ReflectorOptions {
  client: ApiClient;
  signal: AbortSignal;
  log: (line: string) => void;
  /** Collection to mirror, such as `/api/v1/pods`. */
  path: string;
  /** Called for every object that was added, changed or deleted. It must not throw. */
  onChange: (key: string, object: KubeObject | undefined, previous: KubeObject | undefined) => void;
}

export type Reflector = ReturnType<typeof createReflector>;

/** Longer than the API waits between two bookmarks. A watch that is silent for so long is broken. */
const idleMs = 90_000;

/**
 * Lists the collection, watches from there and resumes after every end of the watch. It relists when the API answers that
 * the resourceVersion is too old. Only the signal ends it.
 */
export function createReflector({ client, signal, log, path, onChange }: ReflectorOptions) {
  const objects = new Map<string, KubeObject>();
  let failures = 0;

  async function list(): Promise<string> {
    const listed = new Map<string, KubeObject>();
    let continueToken = '';
    let revision = '';
    do {
      // Each page needs the continue token of the page before.
      const page = await client.get(
        path,
        { limit: '500', ...(continueToken === '' ? {} : { continue: continueToken }) },
        signal,
      );
      // Items of a list have no kind and apiVersion; the list has them.
      const type = { kind: textAt(page, 'kind').replace(/List$/, ''), apiVersion: textAt(page, 'apiVersion') };
      for (const item of objectsAt(page, 'items').map((found) => ({ ...found, ...type }))) {
        if (isKubeObject(item)) listed.set(keyOfObject(item), item);
      }
      continueToken = textAt(page, 'metadata', 'continue');
      revision = textAt(page, 'metadata', 'resourceVersion');
    } while (continueToken !== '');
    if (revision === '') throw new Error(`The list of ${path} has no resourceVersion.`);
    for (const [key, previous] of objects) if (!listed.has(key)) replace(key, undefined, previous);
    for (const [key, object] of listed) replace(key, object, objects.get(key));
    return revision;
  }

  function replace(key: string, object: KubeObject | undefined, previous: KubeObject | undefined): void {
    if (object === undefined) objects.delete(key);
    else objects.set(key, object);
    if (object?.metadata.resourceVersion !== previous?.metadata.resourceVersion) onChange(key, object, previous);
  }

  /** Follows the changes. Returns the resourceVersion to resume from; undefined: relist. */
  async function watch(from: string): Promise<string | undefined> {
    let revision = from;
    const query = { watch: 'true', resourceVersion: from, allowWatchBookmarks: 'true', timeoutSeconds: '300' };
    for await (const line of client.lines(path, { query, signal, idleMs })) {
      failures = 0;
      const event: unknown = JSON.parse(line);
      const type = isJsonObject(event) ? textAt(event, 'type') : '';
      const object = isJsonObject(event) && isJsonObject(event['object']) ? event['object'] : {};
      if (type === 'ERROR') {
        if (object['code'] === 410) return undefined;
        throw new ApiFailure(Number(object['code'] ?? 500), object);
      }
      revision = textAt(object, 'metadata', 'resourceVersion') || revision;
      if (type === 'BOOKMARK' || !isKubeObject(object)) continue;
      const key = keyOfObject(object);
      replace(key, type === 'DELETED' ? undefined : object, objects.get(key));
    }
    return revision;
  }

  async function run(onListed: () => void): Promise<void> {
    let revision: string | undefined;
    while (!signal.aborted) {
      try {
        revision ??= await list();
        onListed();
        revision = await watch(revision);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ApiFailure && error.code === 410) revision = undefined;
        const delayMs = Math.min(5000, 100 * 2 ** Math.min(failures, 10)) * (0.5 + Math.random() / 2);
        failures += 1;
        // The resourceVersion may be the cause of repeated failures. A relist is always correct.
        if (failures > 2) revision = undefined;
        log(`${path} cannot be watched (${error instanceof Error ? error.message : String(error)}); trying again.`);
        await sleep(delayMs, signal);
      }
    }
  }

  return {
    get: (key: string): KubeObject | undefined => objects.get(key),
    all: (): Iterable<KubeObject> => objects.values(),
    /** Starts. Resolves after the first complete list, or when the signal is aborted. */
    async start(): Promise<void> {
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => resolve(), { once: true });
        void run(resolve);
      });
    },
  };
}

function keyOfObject(object: KubeObject): string {
  return keyOf(object.metadata.namespace, object.metadata.name);
}

function isKubeObject(value: JsonObject): value is KubeObject {
  return isJsonObject(value['metadata']) && typeof value['metadata']['name'] === 'string';
}
