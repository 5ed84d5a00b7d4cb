/** One question to one procedure over each transport, and what was answered in the fewest words. */

import { setTimeout as delay } from 'node:timers/promises';

import { createApiCall } from './api-call.ts';
import type { Procedure } from './procedures.ts';
import type { RawSocket } from './raw-socket.ts';

/** A subscription that says neither yes nor no for so long has nothing to say. */
const silenceMs = 15_000;

export interface Question {
  procedure: Procedure;
  /** Made anew for each call: a name, for one, can be taken by the call before. */
  input: () => unknown;
}

export interface Answer {
  how: 'alone' | 'in a batch' | 'on the socket';
  /** Of HTTP, also for the answer to one call of a batch or on a socket. */
  status: number;
  /** `OK` where it is no error, `SILENT` where nothing was said. */
  appCode: string;
  text: string;
}

/** Asks alone, and twice in a batch. Batches carry no subscriptions. */
export async function askOverHttp(
  { url, headers }: { url: string; headers: Record<string, string> },
  { procedure: { name, type }, input }: Question,
): Promise<Answer[]> {
  const call = createApiCall(url, headers);
  const asQuery = type !== 'mutation';
  const alone = await call(name, asQuery ? { input: input() } : { body: input() });
  const first = toAnswer('alone', alone.text, alone.status);
  if (type === 'subscription') return [first];
  const batch = { 0: input(), 1: input() };
  const names = `${name},${name}?batch=1`;
  const both = await (asQuery
    ? call(`${names}&input=${encodeURIComponent(JSON.stringify(batch))}`)
    : call(names, { body: batch }));
  const items = JSON.parse(both.text) as unknown[]; // a batch is answered by a list
  return [first, ...items.map((item) => toAnswer('in a batch', JSON.stringify(item), both.status))];
}

/** Queries and mutations are sent as well, though a socket carries none. */
export async function askOnSocket(socket: RawSocket, id: number, { procedure, input }: Question): Promise<Answer> {
  socket.send({ id, method: procedure.type, params: { path: procedure.name, input: input() } });
  const answer = await Promise.race([
    socket.message((one) => one.id === id && (one.error !== undefined || one.result?.type !== 'started')),
    socket.closed,
    delay(silenceMs, null, { ref: false }),
  ]);
  if (answer === null) return { how: 'on the socket', status: 200, appCode: 'SILENT', text: '' };
  // A closed door is an answer too, and 4401 means "sign in".
  if (typeof answer !== 'number') return toAnswer('on the socket', JSON.stringify({ ...answer, id: null }), 200);
  return answer === 4401
    ? { how: 'on the socket', status: 401, appCode: 'UNAUTHENTICATED', text: '' }
    : { how: 'on the socket', status: answer, appCode: 'CLOSED', text: '' };
}

function toAnswer(how: Answer['how'], text: string, transportStatus: number): Answer {
  const json = (text.startsWith('{') ? JSON.parse(text) : {}) as {
    error?: { data: { appCode: string; httpStatus: number } };
  };
  const { appCode = 'OK', httpStatus: status = transportStatus } = json.error?.data ?? {};
  return { how, status, appCode, text };
}
