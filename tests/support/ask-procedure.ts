/** Calls one procedure over each transport, and summarizes the answers. */

import { setTimeout as delay } from 'node:timers/promises';

import { createApiCall } from './api-call.ts';
import type { Procedure } from './procedures.ts';
import type { RawSocket } from './raw-socket.ts';

/** A subscription without any message for this time counts as silent. */
const silenceMs = 15_000;

export interface Question {
  procedure: Procedure;
  /** Called for each call, because for example a name may be used already. */
  input: () => unknown;
}

export interface Answer {
  how: 'alone' | 'in a batch' | 'on the socket';
  /** The HTTP status, also for one call of a batch or on a socket. */
  status: number;
  /** `OK` without an error, `SILENT` without any message. */
  appCode: string;
  text: string;
}

/** Calls it alone, and twice in a batch. A batch cannot contain subscriptions. */
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
  const items = JSON.parse(both.text) as unknown[]; // the answer to a batch is a list
  return [first, ...items.map((item) => toAnswer('in a batch', JSON.stringify(item), both.status))];
}

/** Sends queries and mutations too, which a socket must refuse. */
export async function askOnSocket(socket: RawSocket, id: number, { procedure, input }: Question): Promise<Answer> {
  socket.send({ id, method: procedure.type, params: { path: procedure.name, input: input() } });
  const answer = await Promise.race([
    socket.message((one) => one.id === id && (one.error !== undefined || one.result?.type !== 'started')),
    socket.closed,
    delay(silenceMs, null, { ref: false }),
  ]);
  if (answer === null) return { how: 'on the socket', status: 200, appCode: 'SILENT', text: '' };
  // A closed socket is an answer too: 4401 means "sign in".
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
