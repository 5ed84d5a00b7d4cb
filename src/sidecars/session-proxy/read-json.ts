/** Asks OpenCode a small question, with limits of time and size. */

import { request as send } from 'node:http';

export interface OpenCodeAccess {
  /** Where OpenCode listens. */
  upstream: { host: string; port: number };
  /** The header that OpenCode requires. */
  authorization: string;
}

/** OpenCode has answered something else than 200. */
export class OpenCodeRefusal extends Error {}

const timeLimitMs = 2_000;
/** The status of one session is a few dozen bytes. */
const maxBytes = 1024 * 1024;

/** @throws OpenCodeRefusal; Error when OpenCode does not answer with JSON in time */
export function readJson(
  { upstream, authorization }: OpenCodeAccess,
  { method = 'GET', path, body }: { method?: string; path: string; body?: object },
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const headers = { authorization, ...(body ? { 'content-type': 'application/json' } : {}) };
    const options = { ...upstream, method, path, headers, signal: AbortSignal.timeout(timeLimitMs) };
    const request = send(options, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        if (text.length > maxBytes) request.destroy(new Error('The answer is too long.'));
      });
      answer.on('error', reject).on('end', () => {
        try {
          if (answer.statusCode !== 200) throw new OpenCodeRefusal(`OpenCode answers ${answer.statusCode}.`);
          resolve(JSON.parse(text));
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    });
    request.on('error', reject).end(body ? JSON.stringify(body) : undefined);
  });
}
