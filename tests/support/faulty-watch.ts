/** One watch through {@link createFaultyKubernetes}. A test can end it, silence it, or change and add events. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { createInterface } from 'node:readline';

export interface WatchEvent {
  type: string;
  object: {
    code?: number;
    metadata?: { name?: string; uid?: string; resourceVersion?: string; labels?: Record<string, string> };
    [field: string]: unknown;
  };
}

export interface FaultyWatch {
  path: string;
  /** Sends an event that the API has not sent. */
  send(event: WatchEvent): void;
  /** The regular end. */
  end(): void;
  /** Resets the connection. */
  reset(): void;
  /** Sends nothing more, not even bookmarks. The connection stays open. */
  silence(): void;
}

export function createFaultyWatch(options: {
  path: string;
  answer: IncomingMessage;
  response: ServerResponse;
  reset: () => void;
  alter: (event: WatchEvent, watch: FaultyWatch) => WatchEvent[];
}): FaultyWatch {
  const { path, answer, response, reset, alter } = options;
  let silent = false;
  const watch: FaultyWatch = {
    path,
    send(event) {
      if (!silent && !response.writableEnded) response.write(`${JSON.stringify(event)}\n`);
    },
    end: () => void response.end(),
    reset,
    silence() {
      silent = true;
    },
  };
  const lines = createInterface({ input: answer });
  lines.on('line', (line) => {
    // The API is a real one, or the embedded one, which passes the same contract tests.
    for (const event of alter(JSON.parse(line) as WatchEvent, watch)) watch.send(event);
  });
  lines.on('error', () => undefined); // the connection to the API broke; faulty-kubernetes.ts handles that
  lines.on('close', () => {
    if (!silent) response.end();
  });
  return watch;
}
