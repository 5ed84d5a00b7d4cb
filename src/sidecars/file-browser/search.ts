/** Searches the project by name and by text. Folders of packages and of git are left out. */

import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';

import { maxMatches } from '../../shared/contract/file-limits.ts';
import type { FileMatch, FileMatches } from '../../shared/contract/files.ts';
import { isOwnName } from './entries.ts';
import { openFile, type Folder, type Places } from './places.ts';

const skippedFolders = new Set(['.git', 'node_modules', '.venv', '__pycache__']);
const maxVisited = 50_000;
const maxDepth = 64;
/** Shorter than the time that the server waits. */
const maxMs = 5_000;
/** Larger files are rarely written by people. */
const maxFileBytes = 1024 * 1024;
const maxMatchesPerFile = 20;
const maxLineLength = 200;

/** Upper and lower case count as the same, and so do an accent that is a character of its own and one that is not. */
const folded = (text: string): string => text.normalize('NFC').toLowerCase();

interface Visit {
  folder: Folder;
  name: string;
  path: string;
}

/** Ends a search that has become too large or too long. */
class Budget {
  isSpent = false;
  readonly #endsAtMs = performance.now() + maxMs;
  #visited = 0;

  /** Whether the search may go on. */
  spend(): boolean {
    this.#visited += 1;
    if (this.#visited > maxVisited || performance.now() > this.#endsAtMs) this.isSpent = true;
    return !this.isSpent;
  }
}

/** Calls `visit` for each file below the folder until it returns false or the budget is spent. Links are not followed. */
async function walk(
  folder: Folder,
  prefix: string,
  budget: Budget,
  visit: (file: Visit) => Promise<boolean>,
): Promise<boolean> {
  const entries = await readdir(folder.self, { withFileTypes: true }).catch((): Dirent[] => []); // gone, or not allowed
  const sorted = entries.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  for (const entry of sorted) {
    const { name } = entry;
    if (isOwnName(name)) continue;
    if (!budget.spend()) return false;
    const path = prefix + name;
    if (entry.isFile()) {
      if (!(await visit({ folder, name, path }))) return false;
    } else if (entry.isDirectory() && !skippedFolders.has(name)) {
      if (path.split('/').length > maxDepth) continue;
      const inside = await folder.enter(name).catch(() => null); // it was replaced
      if (inside === null) continue;
      try {
        if (!(await walk(inside, `${path}/`, budget, visit))) return false;
      } finally {
        await inside.close();
      }
    }
  }
  return true;
}

async function walkAll(places: Places, budget: Budget, visit: (file: Visit) => Promise<boolean>): Promise<void> {
  const root = await places.openFolder('');
  try {
    await walk(root, '', budget, visit);
  } finally {
    await root.close();
  }
}

/** Paths that have all letters of the query in its order; the best first. */
export async function searchNames(places: Places, query: string): Promise<FileMatches> {
  const letters = folded(query).replaceAll(' ', '');
  const budget = new Budget();
  const found: { path: string; rank: number }[] = [];
  await walkAll(places, budget, async ({ path }) => {
    const rank = rankOf(folded(path), letters);
    if (rank !== null) found.push({ path, rank });
    return true;
  });
  const sorted = found.toSorted((one, other) => one.rank - other.rank || (one.path < other.path ? -1 : 1));
  return {
    matches: sorted.slice(0, maxMatches).map(({ path }) => ({ path, line: null, text: null })),
    isTruncated: budget.isSpent || sorted.length > maxMatches,
  };
}

/** Smaller is better; `null` for no match. A match in the name of the file beats one in its folders. */
function rankOf(path: string, letters: string): number | null {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (name.startsWith(letters)) return path.length;
  if (name.includes(letters)) return 10_000 + path.length;
  if (path.includes(letters)) return 20_000 + path.length;
  if (hasInOrder(name, letters)) return 30_000 + path.length;
  return hasInOrder(path, letters) ? 40_000 + path.length : null;
}

function hasInOrder(text: string, letters: string): boolean {
  let from = 0;
  for (const letter of letters) {
    const index = text.indexOf(letter, from);
    if (index === -1) return false;
    from = index + letter.length;
  }
  return true;
}

/** Lines that contain the text, in any case. */
export async function searchText(places: Places, query: string): Promise<FileMatches> {
  const lowered = folded(query);
  const budget = new Budget();
  const matches: FileMatch[] = [];
  let isLeftOut = false;
  await walkAll(places, budget, async (file) => {
    const text = await textOf(file);
    const found = text === null ? [] : linesWith(text, lowered);
    if (found.length > maxMatchesPerFile) isLeftOut = true;
    matches.push(...found.slice(0, maxMatchesPerFile).map((match) => ({ path: file.path, ...match })));
    return matches.length <= maxMatches;
  });
  return {
    matches: matches.slice(0, maxMatches),
    isTruncated: budget.isSpent || isLeftOut || matches.length > maxMatches,
  };
}

/** `null` for a file that is binary, too large, or cannot be read. */
async function textOf({ folder, name, path }: Visit): Promise<string | null> {
  try {
    const file = await openFile({ folder, name, real: path }, path);
    try {
      const { size } = await file.stat();
      if (size > maxFileBytes) return null;
      const bytes = Buffer.alloc(size);
      const { bytesRead } = await file.read(bytes, 0, size, 0);
      return bytes.subarray(0, 8_000).includes(0) ? null : bytes.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    return null; // it was replaced, or must not be read
  }
}

function linesWith(text: string, lowered: string): { line: number; text: string }[] {
  if (!folded(text).includes(lowered)) return [];
  const found: { line: number; text: string }[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const at = folded(line).indexOf(lowered);
    if (at === -1) continue;
    const begin = Math.max(0, at - maxLineLength / 4);
    found.push({ line: index + 1, text: line.slice(begin, begin + maxLineLength).trim() });
    if (found.length > maxMatchesPerFile) break;
  }
  return found;
}
