/**
 * Says which of some folders and files have changed. It compares them a few times a second instead of asking the kernel: this
 * works on every file system, network volumes included, and costs little for what one person has open.
 */

import { lstat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import type { Places } from './places.ts';

const intervalMs = 300;
/** Within this time of a change another one may get the same time from the file system. */
const unsettledMs = 50;

export interface Watched {
  folders: readonly string[];
  files: readonly string[];
}

export interface Changes {
  folders: string[];
  files: string[];
}

/** Yields at once with nothing, then with what has changed, and with nothing every `heartbeatMs`. Ends when `signal` aborts. */
export async function* watchChanges(
  places: Places,
  { folders, files }: Watched,
  { signal, heartbeatMs }: { signal: AbortSignal; heartbeatMs: number },
): AsyncGenerator<Changes, void, undefined> {
  const known = new Map<string, string>();
  /** The keys of what differs from before. */
  async function changed(kind: 'folder' | 'file', paths: readonly string[]): Promise<string[]> {
    const found = await Promise.all(
      paths.map(async (path) => {
        const key = `${kind}:${path}`;
        const state = await stateOf(places, path, kind);
        const before = known.get(key);
        known.set(key, state);
        return before !== undefined && before !== state ? path : null;
      }),
    );
    return found.filter((path) => path !== null);
  }
  const compare = async (): Promise<Changes> => ({
    folders: await changed('folder', folders),
    files: await changed('file', files),
  });

  await compare();
  yield { folders: [], files: [] };
  let quietSinceMs = performance.now();
  for (;;) {
    await delay(intervalMs, undefined, { signal }).catch(() => undefined); // the abort is checked next
    if (signal.aborted) return;
    const changes = await compare();
    const isQuiet = changes.folders.length === 0 && changes.files.length === 0;
    if (isQuiet && performance.now() - quietSinceMs < heartbeatMs) continue;
    quietSinceMs = performance.now();
    yield changes;
  }
}

/** A text that differs after each change. For a folder it covers which entries it has, not what is in them. */
async function stateOf(places: Places, path: string, kind: 'folder' | 'file'): Promise<string> {
  try {
    if (path === '') return await stateAt(places.root, kind);
    return await places.atPlace(path, { follow: true }, ({ folder, name }) => stateAt(folder.at(name), kind));
  } catch {
    return 'missing';
  }
}

async function stateAt(location: string, kind: 'folder' | 'file'): Promise<string> {
  const { ino, size, mtimeNs, mtimeMs } = await lstat(location, { bigint: true });
  const isSettled = Date.now() - Number(mtimeMs) > unsettledMs;
  return [ino, mtimeNs, kind === 'file' ? size : '', isSettled].join(' ');
}
