import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Agent, request, type RequestOptions } from 'node:https';

import { KubeConfig } from '@kubernetes/client-node';

import { isJsonObject, textAt, type Json, type JsonObject } from '../../src/embedded/kubernetes/api/kube-object.ts';
import type { RunningTarget, Target } from './targets.ts';

export interface Answer {
  code: number;
  body: JsonObject;
  text: string;
}

export interface Call {
  query?: Record<string, string>;
  body?: Json;
  /** Sent as it is, instead of `body`. */
  rawBody?: string;
  contentType?: string;
  accept?: string;
  /** `none` leaves the header out. */
  token?: string;
}

interface WatchEvent {
  type: string;
  object: JsonObject;
}

/** An open watch and what it has told so far. */
export interface OpenWatch {
  events: WatchEvent[];
  /** The first event, told or still to come, that passes the test. Rejects after ten seconds. */
  next: (test: (event: WatchEvent) => boolean) => Promise<WatchEvent>;
  /** Resolves when the API ends the stream. */
  ended: Promise<void>;
  stop: () => void;
}

export type ContractApi = Awaited<ReturnType<typeof openApi>>;

export const mergePatch = 'application/merge-patch+json';
export const strategicPatch = 'application/strategic-merge-patch+json';
export const jsonPatch = 'application/json-patch+json';

/** Starts a target and speaks plain HTTP to it, so that the suites see exactly what goes over the wire. */
export async function openApi(target: Target) {
  const running: RunningTarget = await target.start();
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(running.kubeconfigPath);
  const base = new URL(kubeConfig.getCurrentCluster()?.server ?? '');
  const token = kubeConfig.getCurrentUser()?.token ?? '';
  const tls: RequestOptions = {};
  await kubeConfig.applyToHTTPSOptions(tls);
  const agent = new Agent({ keepAlive: true, ca: tls.ca });

  async function open(method: string, path: string, call: Call, signal?: AbortSignal): Promise<IncomingMessage> {
    const query = new URLSearchParams(call.query).toString();
    const payload = call.rawBody ?? (call.body === undefined ? undefined : JSON.stringify(call.body));
    const headers: Record<string, string> = { accept: call.accept ?? 'application/json' };
    if (call.token !== 'none') headers['authorization'] = `Bearer ${call.token ?? token}`;
    if (payload !== undefined) {
      headers['content-type'] = call.contentType ?? 'application/json';
      headers['content-length'] = `${Buffer.byteLength(payload)}`;
    }
    return await new Promise((resolve, reject) => {
      const sent = request(
        {
          host: base.hostname,
          port: base.port,
          method,
          path: query === '' ? path : `${path}?${query}`,
          agent,
          headers,
          ...(signal === undefined ? {} : { signal }),
        },
        resolve,
      );
      sent.on('error', reject);
      sent.end(payload);
    });
  }

  async function send(method: string, path: string, options: Call = {}): Promise<Answer> {
    const response = await open(method, path, options);
    response.setEncoding('utf8');
    let text = '';
    for await (const chunk of response) text += String(chunk);
    return { code: response.statusCode ?? 0, body: parse(text), text };
  }

  return {
    target: running,
    kubeConfig,
    call: send,
    get: async (path: string, query: Record<string, string> = {}) => await send('GET', path, { query }),
    post: async (path: string, body: Json, query: Record<string, string> = {}) =>
      await send('POST', path, { body, query }),
    put: async (path: string, body: Json, query: Record<string, string> = {}) =>
      await send('PUT', path, { body, query }),
    patch: async (path: string, contentType: string, body: Json) => await send('PATCH', path, { body, contentType }),
    remove: async (path: string, body?: Json, query: Record<string, string> = {}) =>
      await send('DELETE', path, { ...(body === undefined ? {} : { body }), query }),

    /** A namespace of its own for one test, with the paths into it. */
    async newNamespace() {
      const name = `test-${randomBytes(4).toString('hex')}`;
      const answer = await send('POST', '/api/v1/namespaces', {
        body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
      });
      if (answer.code !== 201) throw new Error(`The namespace ${name} was not made: ${answer.text}`);
      const root = `/api/v1/namespaces/${name}`;
      return { name, pods: `${root}/pods`, claims: `${root}/persistentvolumeclaims`, events: `${root}/events` };
    },

    /** Opens a watch; refusals that come before the stream are thrown as their text. */
    async watch(path: string, query: Record<string, string>, accept?: string): Promise<OpenWatch> {
      const controller = new AbortController();
      const options = { query: { watch: 'true', ...query }, ...(accept === undefined ? {} : { accept }) };
      const response = await open('GET', path, options, controller.signal);
      return followWatch(response, controller);
    },

    async close(): Promise<void> {
      agent.destroy();
      await running.stop();
    },
  };
}

function followWatch(response: IncomingMessage, controller: AbortController): OpenWatch {
  const events: WatchEvent[] = [];
  const waiting = new Set<() => void>();
  const read = async (): Promise<void> => {
    response.setEncoding('utf8');
    let rest = '';
    try {
      for await (const chunk of response) {
        const lines = `${rest}${String(chunk)}`.split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines.filter((text) => text !== '')) {
          const event = parse(line);
          events.push({ type: textAt(event, 'type'), object: isJsonObject(event['object']) ? event['object'] : {} });
        }
        for (const wake of waiting) wake();
      }
    } catch (error) {
      // Our own stop ends the stream this way.
      if (!controller.signal.aborted) throw error;
    }
  };
  const ended = read();
  // Whoever waits for the end learns how it came; a test that does not wait is not failed by it.
  ended.catch(() => undefined);
  return {
    events,
    ended,
    stop: () => controller.abort(),
    next: async (test) =>
      await new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`No such event within 10 s. Told so far: ${JSON.stringify(events).slice(0, 2000)}`));
        }, 10_000);
        function look(): void {
          const found = events.find(test);
          if (found === undefined) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve(found);
        }
        waiting.add(look);
        look();
      }),
  };
}

function parse(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** Name and revision of the object of an answer or event. */
export const nameOf = (object: JsonObject): string => textAt(object, 'metadata', 'name');
export const revisionOf = (object: JsonObject): string => textAt(object, 'metadata', 'resourceVersion');

/** Waits until an answer is as wanted; asks again and again for at most ten seconds. */
export async function eventually<Value>(
  read: () => Promise<Value>,
  test: (value: Value) => boolean,
  timeoutMs = 10_000,
): Promise<Value> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await read();
    if (test(value)) return value;
    if (Date.now() > deadline)
      throw new Error(`Not so within ${timeoutMs} ms; last seen: ${JSON.stringify(value)?.slice(0, 3000)}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
