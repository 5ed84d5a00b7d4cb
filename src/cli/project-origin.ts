/** Requests to the origin of a project, through the gateway, with the personal access token of the person. */

import { lookup } from 'node:dns';
import { request as sendHttp, type IncomingMessage } from 'node:http';
import { request as sendHttps } from 'node:https';
import type { LookupFunction } from 'node:net';

import { WebSocket } from 'ws';

import { readLimited } from '../shared/opencode/limited-body.ts';
import { CliError } from './cli-error.ts';
import { printable } from './terminal.ts';

const maxReasonLength = 500;
const maxAnswerBytes = 1024 * 1024;
const connectLimitMs = 30_000;

interface Call {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  body?: object;
  signal: AbortSignal;
}

export interface ProjectOrigin {
  /** The text of the answer. @throws CliError for a refusal, and when nothing answers */
  send(path: string, call: Call): Promise<string>;
  /** The answer as it arrives. @throws CliError as `send` */
  open(path: string, call: Call): Promise<AsyncIterable<Uint8Array>>;
  connect(path: string): WebSocket;
}

export function createProjectOrigin({ origin, token }: { origin: string; token: string }): ProjectOrigin {
  const authorization = `Bearer ${token}`;
  const request = origin.startsWith('https:') ? sendHttps : sendHttp;

  function ask(path: string, { method = 'GET', body, signal }: Call): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const headers = { authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
      request(new URL(path, origin), { method, headers, signal, lookup: findHost })
        .on('response', resolve)
        .on('error', (error) => reject(isAborted(signal) ? error : new CliError(unreachable(origin, error, signal))))
        .end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  async function open(path: string, call: Call): Promise<AsyncIterable<Uint8Array>> {
    const answer = await ask(path, call);
    const { statusCode: status = 0 } = answer;
    if (status >= 200 && status < 300) return answer;
    throw new CliError(refusalOf({ status, text: await readLimited(answer, maxAnswerBytes).catch(() => '') }));
  }

  return {
    open,
    async send(path, call) {
      const body = await open(path, call);
      return readLimited(body, maxAnswerBytes).catch((error: unknown) => {
        throw isAborted(call.signal) ? error : new CliError(unreachable(origin, error, call.signal));
      });
    },
    connect: (path) =>
      new WebSocket(new URL(path, origin.replace(/^http/, 'ws')), {
        headers: { authorization },
        lookup: findHost,
        handshakeTimeout: connectLimitMs,
      }),
  };
}

/** Browsers find every name below localhost on this machine (RFC 6761). Node asks the system, which may not know them. */
const findHost: LookupFunction = (host, options, done) => lookup(hostToFind(host), options, done);

export const hostToFind = (host: string): string => (host.endsWith('.localhost') ? 'localhost' : host);

/** The gateway refuses in sentences. The session proxy and OpenCode answer JSON. */
export function refusalOf({ status, text }: { status: number; text: string }): string {
  const reason = printable(text).trim();
  if (reason !== '' && !/^[<{[]/.test(reason)) return reason.slice(0, maxReasonLength);
  if (status === 401 || status === 403) return 'The project does not let you in. Ask its owner for access.';
  return `The project answered ${status}. Its OpenCode may be starting. Try again in a moment.`;
}

function unreachable(origin: string, error: unknown, signal: AbortSignal): string {
  const why = signal.aborted ? 'no answer in time' : error instanceof Error ? error.message : String(error);
  return `Nothing answers at ${origin} (${why}). Check your connection, and try again.`;
}

/** By the person, and not because time is up. */
const isAborted = ({ aborted, reason }: AbortSignal): boolean =>
  aborted && !(reason instanceof DOMException && reason.name === 'TimeoutError');
