/** Calls one procedure over each transport, and summarizes the answers. */

import { setTimeout as delay } from 'node:timers/promises';

import { createApiCall } from './api-call.ts';
import type { Procedure } from './procedures.ts';
import type { RawSocket } from './raw-socket.ts';

/** A subscription without any message for this time counts as silent. */
const silenceMs = 15_000;
/** The server carries out the calls of a batch at the same time: fewer than its connections to the database. */
const batchSize = 8;

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

interface Caller {
  url: string;
  headers: Record<string, string>;
}

export async function askAlone({ url, headers }: Caller, { procedure, input }: Question): Promise<Answer> {
  const request = procedure.type === 'mutation' ? { body: input() } : { input: input() };
  const { text, status } = await createApiCall(url, headers)(procedure.name, request);
  return toAnswer('alone', text, status);
}

/**
 * Asks in batches, which may contain calls of different procedures. Returns an answer for each question, in their order.
 *
 * @param questions all about queries, or all about mutations: a batch cannot contain both, nor subscriptions
 */
export async function askInBatches({ url, headers }: Caller, questions: Question[]): Promise<Answer[]> {
  const call = createApiCall(url, headers);
  const answers: Answer[] = [];
  for (let from = 0; from < questions.length; from += batchSize) {
    const asked = questions.slice(from, from + batchSize);
    const [first] = asked;
    if (asked.length === 1 && first) asked.push(first); // so that it is a batch
    const inputs = Object.fromEntries(asked.map(({ input }, index) => [index, input()]));
    const names = `${asked.map(({ procedure }) => procedure.name).join(',')}?batch=1`;
    const { text, status } = await (first?.procedure.type === 'query'
      ? call(`${names}&input=${encodeURIComponent(JSON.stringify(inputs))}`)
      : call(names, { body: inputs }));
    const items = JSON.parse(text) as unknown[]; // the answer to a batch is a list
    const those = questions.slice(from, from + batchSize);
    answers.push(...those.map((_, index) => toAnswer('in a batch', JSON.stringify(items[index]), status)));
  }
  return answers;
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
