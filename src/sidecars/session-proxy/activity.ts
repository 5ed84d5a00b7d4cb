/** Whether somebody uses the project: what `GET /activity` answers. An idle project can be stopped. */

import { request as send } from 'node:http';
import type { Duplex } from 'node:stream';

export interface Activity {
  /** Sessions in which the agent works, or waits for a permission. `null`: OpenCode does not answer. */
  busySessions: number | null;
  /** Open WebSockets of terminals. */
  openTerminals: number;
  /** When the last request was forwarded, as an ISO time. `null`: none since the start of the proxy. */
  lastRequestAt: string | null;
}

export interface ActivityRecord {
  recordRequest(): void;
  /** @param path the target of the handshake */
  recordSocket(path: string, socket: Duplex): void;
  read(): Promise<Activity>;
}

const statusTimeoutMs = 2_000;
/** The status of one session is a few dozen bytes. */
const maxStatusBytes = 1024 * 1024;

export function createActivityRecord(deps: {
  upstream: { host: string; port: number };
  authorization: string;
  now: () => Date;
}): ActivityRecord {
  const terminals = new Set<Duplex>();
  let lastRequestAt: string | null = null;
  return {
    recordRequest() {
      lastRequestAt = deps.now().toISOString();
    },
    recordSocket(path, socket) {
      if (!path.startsWith('/pty/')) return;
      terminals.add(socket);
      socket.once('close', () => terminals.delete(socket));
    },
    async read() {
      const busySessions = await countBusySessions(deps).catch(() => null); // OpenCode does not answer
      return { busySessions, openTerminals: terminals.size, lastRequestAt };
    },
  };
}

/** OpenCode lists the sessions that are not idle, by id. */
function countBusySessions(deps: { upstream: { host: string; port: number }; authorization: string }): Promise<number> {
  return new Promise((resolve, reject) => {
    const { upstream, authorization } = deps;
    const options = { ...upstream, path: '/session/status', headers: { authorization } };
    const request = send({ ...options, signal: AbortSignal.timeout(statusTimeoutMs) }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        body += part;
        if (body.length > maxStatusBytes) request.destroy(new Error('The answer is too long.'));
      });
      answer.on('error', reject).on('end', () => {
        try {
          if (answer.statusCode !== 200) throw new Error(`OpenCode answers ${answer.statusCode}.`);
          resolve(Object.keys(JSON.parse(body) as object).length);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    });
    request.on('error', reject).end();
  });
}
