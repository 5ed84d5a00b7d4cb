/**
 * Whether somebody uses the project: what `GET /activity` answers. A project that nobody uses can be stopped.
 *
 * A use is a request that changes something (such as a prompt), a page that is loaded, a configuration that is applied, what is typed
 * in a terminal, and each call of a model. Open pages also ask by themselves, and follow events: that is no use.
 */

import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import { OpenCodeRefusal, readJson, type OpenCodeAccess } from './read-json.ts';
import { countCommands } from './terminal-commands.ts';

export interface Activity {
  /** Differs with each start of the proxy. The numbers of another start say nothing. */
  instance: string;
  /** Rises with each use. */
  uses: number;
  /** Sessions in which the agent works, or waits for a permission. `null`: OpenCode does not answer. */
  busySessions: number | null;
  /** Programs that run in terminals, also in those that nobody watches. `null`: not known. */
  runningCommands: number | null;
  /** Open WebSockets of terminals. */
  openTerminals: number;
  /** When the last request was forwarded, as an ISO time. `null`: none since the start of the proxy. */
  lastRequestAt: string | null;
}

export interface ActivityRecord {
  /** A request that is forwarded to OpenCode. */
  recordRequest(request: Pick<IncomingMessage, 'method' | 'url' | 'headers'>): void;
  recordUse(): void;
  /** @param path the target of the handshake */
  recordSocket(path: string, socket: Duplex): void;
  read(): Promise<Activity>;
}

/** OpenCode keeps sessions and terminals by folder. The main folder needs no name. */
const maxFolders = 8;
const maxFolderLength = 4_096;
/** The bytes of a WebSocket's control frame that a browser sends: 2 of its head, 4 of its mask, and at most 125 others. */
const maxControlFrameBytes = 131;

export function createActivityRecord(
  deps: OpenCodeAccess & {
    /** OpenCode's container and this one have it at the same place. */
    folder: string;
    now: () => Date;
  },
): ActivityRecord {
  const instance = randomUUID();
  const terminals = new Set<Duplex>();
  /** The other folders in which something was changed, as queries; the last one was used last. */
  const folders = new Set<string>();
  let lastRequestAt: string | null = null;
  let uses = 0;
  let reading: Promise<Activity> | null = null;

  async function read(): Promise<Activity> {
    const before = uses;
    const [busySessions, runningCommands] = await Promise.all([
      sum(['', ...folders], async (query) => Object.keys(await ask(`/session/status${query}`)).length),
      sum(['', ...folders], (query) => countCommands(deps, query)),
    ]);
    return { instance, uses: before, busySessions, runningCommands, openTerminals: terminals.size, lastRequestAt };
  }

  async function ask(path: string): Promise<object> {
    const answer = await readJson(deps, { path });
    if (typeof answer !== 'object' || answer === null) throw new Error('OpenCode answers something else.');
    return answer;
  }

  /** `null` when it is not known for one of them. A folder that OpenCode refuses is forgotten: it may have been removed. */
  async function sum(queries: string[], count: (query: string) => Promise<number | null>): Promise<number | null> {
    const counts = await Promise.all(
      queries.map((query) =>
        count(query).catch((error: unknown) => {
          if (error instanceof OpenCodeRefusal) folders.delete(query);
          return null; // OpenCode does not answer
        }),
      ),
    );
    return counts.some((each) => each === null) ? null : counts.reduce<number>((all, each) => all + (each ?? 0), 0);
  }

  return {
    recordRequest(request) {
      lastRequestAt = deps.now().toISOString();
      if (!isUse(request)) return;
      uses += 1;
      const query = folderOf(request);
      if (query === '') return;
      folders.delete(query);
      folders.add(query);
      const [oldest] = folders;
      if (folders.size > maxFolders && oldest !== undefined) folders.delete(oldest);
    },
    recordUse() {
      uses += 1;
    },
    recordSocket(path, socket) {
      if (!path.startsWith('/pty/')) return;
      terminals.add(socket);
      socket.once('close', () => terminals.delete(socket));
      socket.on('data', (frame: Buffer) => {
        if (!isControlFrame(frame)) uses += 1;
      });
    },
    read() {
      reading ??= read().finally(() => {
        reading = null;
      });
      return reading;
    },
  };
}

function isUse({ method = 'GET', headers }: Pick<IncomingMessage, 'method' | 'headers'>): boolean {
  if (!['GET', 'HEAD', 'OPTIONS'].includes(method)) return true;
  return method === 'GET' && headers['sec-fetch-mode'] === 'navigate';
}

/** The folder that a request names, as OpenCode reads it: by query or by header. It is returned as a query. */
function folderOf({ url = '', headers }: Pick<IncomingMessage, 'url' | 'headers'>): string {
  const header = headers['x-opencode-directory'];
  const query = new URLSearchParams(url.split('?')[1] ?? '').get('directory');
  const folder = query ?? (typeof header === 'string' ? decoded(header) : '');
  return folder === '' || folder.length > maxFolderLength ? '' : `?directory=${encodeURIComponent(folder)}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Browsers answer pings by themselves (RFC 6455, section 5.5). */
function isControlFrame(frame: Buffer): boolean {
  return frame.length <= maxControlFrameBytes && ((frame[0] ?? 0) & 0x08) !== 0;
}
