/** Keeps the objects on disk between runs: a snapshot, and a journal of the changes after it. */

import {
  appendFileSync,
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
} from 'node:fs';
import path from 'node:path';

import type { KubeObject } from './kube-object.ts';
import { keyOf, type Change } from './store.ts';

interface SnapshotLine {
  resource: string;
  object: KubeObject;
}

interface JournalLine {
  revision: number;
  resource: string;
  type: Change['type'];
  object: KubeObject;
}

interface SavedState {
  revision: number;
  objects: [resource: string, object: KubeObject][];
}

export type Journal = ReturnType<typeof openJournal>;

/**
 * Opens the journal in a folder. The snapshot is replaced by a rename, so it is always complete. Each later change is one
 * appended line that is written before the request is answered, so a killed process loses nothing that it acknowledged.
 * A crash can only cut the last line short, and that line is ignored.
 *
 * @param directory created if missing
 * @param rotateBytes the journal is replaced by a new snapshot when it is larger than this and than twice the last
 *   snapshot, so that snapshots are a small part of all writes
 */
export function openJournal(directory: string, rotateBytes = 16 * 1024 * 1024) {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const snapshotPath = path.join(directory, 'snapshot.jsonl');
  const journalPath = path.join(directory, 'journal.jsonl');
  const saved = load();
  let written = 0;
  let rotateAt = rotateBytes;
  let descriptor: number | undefined;

  function load(): SavedState {
    const objects = new Map<string, [string, KubeObject]>();
    let revision = 1;
    for (const line of readLines(snapshotPath)) {
      if (isHeader(line)) revision = line.revision;
      else if (isSnapshotLine(line)) objects.set(idOf(line.resource, line.object), [line.resource, line.object]);
    }
    for (const line of readLines(journalPath)) {
      // After a crash between the rename and the new journal, the journal has changes that are in the snapshot.
      if (!isJournalLine(line) || line.revision <= revision) continue;
      revision = line.revision;
      if (line.type === 'DELETED') objects.delete(idOf(line.resource, line.object));
      else objects.set(idOf(line.resource, line.object), [line.resource, line.object]);
    }
    return { revision, objects: [...objects.values()] };
  }

  return {
    saved,

    /** Writes a new snapshot and starts an empty journal. */
    rotate(revision: number, entries: Iterable<readonly [string, KubeObject]>): void {
      const temporary = `${snapshotPath}.part`;
      const target = openSync(temporary, 'w', 0o600);
      let size = 0;
      const write = (value: object): void => {
        const line = `${JSON.stringify(value)}\n`;
        size += Buffer.byteLength(line);
        appendFileSync(target, line);
      };
      write({ revision });
      for (const [resource, object] of entries) write({ resource, object } satisfies SnapshotLine);
      fsyncSync(target);
      closeSync(target);
      renameSync(temporary, snapshotPath);
      if (descriptor !== undefined) closeSync(descriptor);
      closeSync(openSync(journalPath, 'w', 0o600));
      // Opened for appending, so that truncating a partial line leaves no hole.
      descriptor = openSync(journalPath, 'a', 0o600);
      written = 0;
      rotateAt = Math.max(rotateBytes, 2 * size);
    },

    /** Appends one change. Returns true when the journal should be rotated. */
    append(change: Change): boolean {
      if (descriptor === undefined) return false;
      const { revision, resource, type, object } = change;
      const line: JournalLine = { revision, resource, type, object };
      const text = `${JSON.stringify(line)}\n`;
      try {
        appendFileSync(descriptor, text);
      } catch (error) {
        // A partial line, for example on a full disk, would make the lines after it unreadable.
        ftruncateSync(descriptor, written);
        throw error;
      }
      written += Buffer.byteLength(text);
      return written > rotateAt;
    },

    close(): void {
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = undefined;
    },
  };
}

function idOf(resource: string, object: KubeObject): string {
  return `${resource}:${keyOf(object.metadata.namespace, object.metadata.name)}`;
}

function readLines(file: string): unknown[] {
  if (!existsSync(file)) return [];
  const lines: unknown[] = [];
  for (const text of readFileSync(file, 'utf8').split('\n')) {
    if (text === '') continue;
    try {
      lines.push(JSON.parse(text));
    } catch {
      // A crash can only break the last line.
      break;
    }
  }
  return lines;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isHeader(line: unknown): line is { revision: number } {
  return isRecord(line) && typeof line['revision'] === 'number' && !('object' in line);
}

function isSnapshotLine(line: unknown): line is SnapshotLine {
  return isRecord(line) && typeof line['resource'] === 'string' && isRecord(line['object']);
}

function isJournalLine(line: unknown): line is JournalLine {
  return isSnapshotLine(line) && 'revision' in line && typeof line.revision === 'number' && 'type' in line;
}
