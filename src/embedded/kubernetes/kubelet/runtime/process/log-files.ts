/**
 * The logs of containers: `<dataDir>/logs/<pod uid>/<container>/<restart count>.log`. A run that writes more than the limit keeps
 * its newest lines: the older half is moved aside and replaced by the next older half.
 */

import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

import type { LogLine } from '../../../api/pod-subresources.ts';
import { createLineSplitter, formatLogLine, parseLogLine } from './log-lines.ts';

/** Which run of which container. */
export interface LogKey {
  uid: string;
  container: string;
  restartCount: number;
}

export interface LogWriter {
  /** Writes each line of a stream until it ends. */
  follow(stream: Readable, name: 'stdout' | 'stderr'): void;
  close(): void;
}

export type LogFiles = ReturnType<typeof createLogFiles>;

export function createLogFiles({ folder, maxBytes = 5 * 1024 * 1024 }: { folder: string; maxBytes?: number }) {
  const fileOf = ({ uid, container, restartCount }: LogKey): string =>
    join(folder, uid, container, `${restartCount}.log`);

  /** Opens the log of a new run, and deletes those before the previous one. */
  function open(key: LogKey): LogWriter {
    const file = fileOf(key);
    const container = join(folder, key.uid, key.container);
    mkdirSync(container, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(container)) {
      if (Number.parseInt(name, 10) < key.restartCount - 1) rmSync(join(container, name), { force: true });
    }
    let descriptor: number | undefined = openSync(file, 'a', 0o600);
    let size = 0;
    let lastMicros = 0;

    function write(text: string, stream: 'stdout' | 'stderr'): void {
      if (descriptor === undefined) return;
      if (size > maxBytes / 2) {
        closeSync(descriptor);
        renameSync(file, `${file}.older`);
        descriptor = openSync(file, 'a', 0o600);
        size = 0;
      }
      lastMicros = Math.max(Date.now() * 1000, lastMicros + 1);
      const line = formatLogLine({ atMs: lastMicros / 1000, text }, stream);
      size += Buffer.byteLength(line);
      writeSync(descriptor, line);
    }

    return {
      follow(stream, name) {
        const splitter = createLineSplitter();
        stream.on('data', (chunk: Uint8Array) => {
          for (const line of splitter.add(chunk)) write(line, name);
        });
        stream.on('end', () => {
          for (const line of splitter.end()) write(line, name);
        });
        stream.on('error', () => undefined); // the process has ended
      },
      close() {
        if (descriptor !== undefined) closeSync(descriptor);
        descriptor = undefined;
      },
    };
  }

  /** The lines of a run; empty when it has no log. Lines until `afterMs` may be left out. */
  function read(key: LogKey, afterMs = -Infinity): LogLine[] {
    const file = fileOf(key);
    const newest = parseLines(readEnd(file));
    // Who follows a log has nearly all of it already.
    if ((newest[0]?.atMs ?? Infinity) <= afterMs) return newest;
    return [`${file}.older`, file]
      .filter((path) => existsSync(path))
      .flatMap((path) => parseLines(readFileSync(path, 'utf8')));
  }

  return {
    open,
    read,
    remove: (uid: string): void => rmSync(join(folder, uid), { recursive: true, force: true }),
    uids: (): string[] => (existsSync(folder) ? readdirSync(folder) : []),
  };
}

const endBytes = 64 * 1024;

/** The last part of a file. Its first line may be incomplete. */
function readEnd(file: string): string {
  if (!existsSync(file)) return '';
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const buffer = Buffer.alloc(Math.min(size, endBytes));
    const length = readSync(descriptor, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('utf8', 0, length);
  } finally {
    closeSync(descriptor);
  }
}

const parseLines = (text: string): LogLine[] =>
  text
    .split('\n')
    .map(parseLogLine)
    .filter((line) => line !== undefined);
