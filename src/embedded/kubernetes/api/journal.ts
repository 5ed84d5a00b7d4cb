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

export interface SavedState {
  revision: number;
  objects: [resource: string, object: KubeObject][];
}

export type Journal = ReturnType<typeof openJournal>;

/**
 * Keeps the objects in a folder between runs. A snapshot is replaced by rename, so it is always whole; each change after
 * it is one appended line, written before the request is answered, so a killed process loses nothing that it
 * acknowledged. A line that was cut short by a crash is the last one and is ignored.
 *
 * @param directory - made if missing.
 * @param rotateBytes - the journal is folded into a new snapshot when it grows past this, and past twice the last snapshot,
 *   so that the work of it stays a small part of the work of writing.
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
      // Lines that the snapshot already holds are left over from a crash between its rename and the new journal.
      if (!isJournalLine(line) || line.revision <= revision) continue;
      revision = line.revision;
      if (line.type === 'DELETED') objects.delete(idOf(line.resource, line.object));
      else objects.set(idOf(line.resource, line.object), [line.resource, line.object]);
    }
    return { revision, objects: [...objects.values()] };
  }

  return {
    saved,

    /** Writes everything anew and starts an empty journal. */
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
      // For appending, so that a line that had to be cut off leaves no hole.
      descriptor = openSync(journalPath, 'a', 0o600);
      written = 0;
      rotateAt = Math.max(rotateBytes, 2 * size);
    },

    /** Appends one change; true when it is time to rotate. */
    append(change: Change): boolean {
      if (descriptor === undefined) return false;
      const { revision, resource, type, object } = change;
      const line: JournalLine = { revision, resource, type, object };
      const text = `${JSON.stringify(line)}\n`;
      try {
        appendFileSync(descriptor, text);
      } catch (error) {
        // Half a line, as a full disk leaves it, would hide all that comes after it.
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
      // Only the last line can be broken, by a crash while it was written; what follows would depend on it.
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
