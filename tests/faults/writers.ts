/** Writers that create and change projects without pause, except after a refusal, and record every answer. */

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import { bearer, createApiCall, type ApiAnswer } from '../support/api-call.ts';

/** Without it, an outage of a second would be thousands of requests that take the processor from the restart. */
const afterRefusalMs = 50;

export interface Answered {
  path: string;
  input: Record<string, unknown>;
  /** `null` when the connection broke before an answer. */
  answer: ApiAnswer | null;
  tookMs: number;
  startedAtMs: number;
}

export interface Writers {
  /** The prefix of their idempotency keys. */
  crew: string;
  /** Every request so far, answered or not. */
  requests: Answered[];
  /** The last acknowledged description, by project. */
  acknowledged: Map<string, { idempotencyKey: string; description: string }>;
  /** Resolves when so many more requests have ended with 200. */
  progress(count: number): Promise<void>;
  /** Stops after the current request of each. */
  stop(): Promise<void>;
}

/** Starts `count` writers. Each creates a project every fifth turn (or `createEvery`) and changes its newest project in between. */
export function startWriters(options: { url: string; token: string; count: number; createEvery?: number }): Writers {
  const crew = randomUUID().slice(0, 8); // so that each group of writers has its own keys
  const call = createApiCall(options.url, bearer(options.token));
  const requests: Answered[] = [];
  const acknowledged: Writers['acknowledged'] = new Map();
  const watchers = new Set<() => void>();
  const stopping = new AbortController();

  async function send(path: string, input: Record<string, unknown>): Promise<{ id: string } | null> {
    const startedAtMs = performance.now();
    const answer = await call(path, { body: input }).catch(() => null); // counted as no answer
    requests.push({ path, input, answer, startedAtMs, tookMs: performance.now() - startedAtMs });
    for (const watcher of watchers) watcher();
    if (answer?.status !== 200) await delay(afterRefusalMs);
    return answer?.status === 200 ? (answer.data as { id: string }) : null; // every command returns the project
  }

  async function write(writer: number): Promise<void> {
    let newest: string | null = null;
    for (let turn = 0; !stopping.signal.aborted; turn += 1) {
      const description = `Written by ${crew} ${writer} in turn ${turn}.`;
      const idempotencyKey = `${crew}-writer-${writer}-turn-${turn}`;
      if (newest === null || turn % (options.createEvery ?? 5) === 0) {
        const made = await send('projects.create', { name: idempotencyKey, description, idempotencyKey });
        if (made) acknowledged.set(made.id, { idempotencyKey, description });
        newest = made?.id ?? newest;
      } else if (await send('projects.update', { id: newest, description })) {
        acknowledged.set(newest, { idempotencyKey: acknowledged.get(newest)?.idempotencyKey ?? '', description });
      }
    }
  }

  const running = Promise.all(Array.from({ length: options.count }, (_, writer) => write(writer)));
  const successes = () => requests.filter(({ answer }) => answer?.status === 200).length;
  return {
    crew,
    requests,
    acknowledged,
    progress(count) {
      const goal = successes() + count;
      return new Promise((resolve) => {
        const check = () => {
          if (successes() < goal) return;
          watchers.delete(check);
          resolve();
        };
        watchers.add(check);
      });
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** The newest version and description of each project in the messages of a subscription. */
export function shownBy(messages: { result?: { data?: { data: Record<string, unknown> } } }[]) {
  const shown = new Map<string, { description: string; statusVersion: number }>();
  for (const message of messages) {
    const event = message.result?.data?.data;
    const projects = (event?.['projects'] ?? (event?.['project'] ? [event['project']] : [])) as {
      id: string;
      description: string;
      statusVersion: number;
    }[]; // the events of `projects.onChange` have this shape
    for (const { id, description, statusVersion } of projects) shown.set(id, { description, statusVersion });
  }
  return shown;
}
