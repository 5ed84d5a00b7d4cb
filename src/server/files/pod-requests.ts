/**
 * Requests to the containers of a project's pod. Every answer is hostile: the agent in the pod can replace the programs that
 * give it. So there are limits of time and size, and each answer is parsed.
 */

import type { Readable } from 'node:stream';

import { Agent, request } from 'undici';
import type { z } from 'zod';

import { AppError, type AppErrorCode } from '../../shared/contract/errors.ts';
import type { ReadyPod } from '../../shared/node/access/ready-pod.ts';

/** The ports of the containers, as in the manifest of the pod. */
export const podPorts = { fileBrowser: 3001, sessionProxy: 3002 } as const;

/** Shorter than the time that a request to the server may take. */
const answerTimeoutMs = 8_000;
const connectTimeoutMs = 3_000;
/** A stream of changes sends a line every ten seconds. */
const silenceMs = 25_000;
/** A page of a folder, or a part of a file as base64 in JSON. */
const maxAnswerBytes = 8 * 1024 * 1024;
const maxErrorBytes = 16 * 1024;
const maxMessageLength = 300;

export interface PodRequest {
  method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** With the query. */
  path: string;
  body?: Buffer | string;
}

export interface PodRequests {
  /**
   * Sends a request and parses the answer.
   * @throws AppError for every failure; its message comes from the file browser where that says what is wrong
   */
  json<T extends z.ZodType>(target: PodTarget, options: PodRequest & { schema: T }): Promise<z.output<T>>;
  /** Sends a request and gives the body as it arrives. The caller reads or destroys it. @throws AppError */
  stream(
    target: PodTarget,
    options: PodRequest & { signal: AbortSignal },
  ): Promise<{ body: Readable; length: number | null }>;
  close(): Promise<void>;
}

export interface PodTarget extends Pick<ReadyPod, 'address' | 'credential'> {
  port: (typeof podPorts)[keyof typeof podPorts];
}

export function createPodRequests(): PodRequests {
  const agent = new Agent({ connect: { timeout: connectTimeoutMs }, connections: 32, pipelining: 1 });

  async function send(target: PodTarget, options: PodRequest & { signal: AbortSignal; bodyTimeout: number }) {
    const { address, port, credential } = target;
    const { method, path, body, signal, bodyTimeout } = options;
    const host = address.includes(':') ? `[${address}]` : address;
    try {
      return await request(`http://${host}:${port}${path}`, {
        dispatcher: agent,
        method,
        headers: { authorization: `Bearer ${credential}` },
        ...(body === undefined ? {} : { body }),
        signal,
        headersTimeout: answerTimeoutMs,
        bodyTimeout,
      });
    } catch (error) {
      throw unanswered(error);
    }
  }

  return {
    async json(target, { schema, ...options }) {
      const signal = AbortSignal.timeout(answerTimeoutMs);
      const { statusCode, body } = await send(target, { ...options, signal, bodyTimeout: answerTimeoutMs });
      const isSuccess = statusCode === 200;
      const text = await textOf(body, isSuccess ? maxAnswerBytes : maxErrorBytes);
      if (!isSuccess) throw refusalOf(statusCode, text);
      const parsed = schema.safeParse(valueOf(text));
      if (!parsed.success) throw unreadable();
      return parsed.data;
    },
    async stream(target, options) {
      const { statusCode, body, headers } = await send(target, { ...options, bodyTimeout: silenceMs });
      if (statusCode !== 200) throw refusalOf(statusCode, await textOf(body, maxErrorBytes));
      const length = Number(headers['content-length']);
      return { body, length: Number.isSafeInteger(length) && length >= 0 ? length : null };
    },
    close: () => agent.destroy(),
  };
}

async function textOf(body: Readable, maxBytes: number): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const part of body as AsyncIterable<Buffer>) {
      length += part.length;
      if (length > maxBytes) {
        body.destroy();
        throw unreadable();
      }
      parts.push(part);
    }
  } catch (error) {
    throw error instanceof AppError ? error : unanswered(error);
  }
  return Buffer.concat(parts, length).toString('utf8');
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unanswered(cause: unknown): AppError {
  const message = 'The pod of the project does not answer. It may be starting or busy. Try again in a few seconds.';
  return new AppError('UNAVAILABLE', message, { retryAfterSeconds: 2, cause });
}

function unreadable(): AppError {
  return new AppError(
    'UNAVAILABLE',
    'The pod of the project gave an answer that cannot be read. It may be from an older version: restart the project.',
    { retryAfterSeconds: 10 },
  );
}

const codeOfStatus: Readonly<Record<number, AppErrorCode>> = {
  400: 'VALIDATION_FAILED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  409: 'CONFLICT',
  413: 'PAYLOAD_TOO_LARGE',
  507: 'QUOTA_EXCEEDED',
};

function refusalOf(status: number, text: string): AppError {
  if (status === 401) return oldCredentials();
  if (status === 405) return unreadable(); // an older file browser only reads
  const value = valueOf(text);
  const said = typeof value === 'object' && value !== null && 'error' in value ? value.error : null;
  const code = codeOfStatus[status];
  if (code === undefined || typeof said !== 'string') return unanswered(new Error(`the pod answered ${status}`));
  return new AppError(code, readableMessage(said));
}

/** What a pod says is shown to its owner, as one short line. */
function readableMessage(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').toWellFormed();
  return line.length > maxMessageLength ? `${line.slice(0, maxMessageLength)}…` : line;
}

export function oldCredentials(): AppError {
  return new AppError(
    'ILLEGAL_STATE',
    'The pod was created with credentials that are no longer valid. Restart the project. Its files are kept.',
  );
}
