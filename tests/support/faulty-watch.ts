/** One watch that passes through {@link createFaultyKubernetes}: a test can end, silence, alter or invent what it says. */

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
  /** Says something that the API has not said. */
  send(event: WatchEvent): void;
  /** The regular end. */
  end(): void;
  /** The connection breaks. */
  reset(): void;
  /** Not a byte more, bookmarks included; the connection stays. */
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
    // The API behind us is a real one, or held to be as one by the contract tests.
    for (const event of alter(JSON.parse(line) as WatchEvent, watch)) watch.send(event);
  });
  lines.on('error', () => undefined); // the answer broke off: its owner sees to that
  lines.on('close', () => {
    if (!silent) response.end();
  });
  return watch;
}
