/** Saves open files. A save never replaces a version that the person does not know. */

import type { WrittenFile } from '../../../shared/contract/files.ts';
import { isTransient, readError } from '../../api/read-error.ts';
import { toContent } from './line-endings.ts';
import type { OpenFileList } from './open-file-list.ts';
import { isUnsaved, type TextFile } from './open-files.ts';
import { readWholeFile, type ReadPart } from './read-file.ts';

export interface SaveDeps {
  list: OpenFileList;
  readPart: ReadPart;
  write: (input: { path: string; content: string; version: string | null }) => Promise<WrittenFile>;
  /** Called when the save of a file has ended, with any result. */
  onEnded: (path: string) => void;
}

export function createSaving({ list, readPart, write, onEnded }: SaveDeps) {
  /** How often each file was saved: what was read before a save says nothing about the file after it. */
  const counts = new Map<string, number>();
  /** Files that are to be saved once more when the save that runs has ended. */
  const requested = new Set<string>();

  async function save(path: string): Promise<void> {
    const file = list.findText(path);
    if (file === null || (!isUnsaved(file) && file.version !== null)) return;
    if (file.saving === 'running') {
      requested.add(path);
      return;
    }
    if (file.outside !== null) {
      list.dispatch({ type: 'conflicted', path, outside: file.outside });
      return;
    }
    list.dispatch({ type: 'save-started', path });
    const { current: text, version } = file;
    try {
      const written = await write({ path, content: contentOf(file), version });
      counts.set(path, (counts.get(path) ?? 0) + 1);
      list.dispatch({ type: 'saved', path, version: written.version, text });
    } catch (error) {
      await afterFailure(file, error);
    }
    onEnded(path);
    if (requested.delete(path)) await save(path);
  }

  async function afterFailure(file: TextFile, failure: unknown): Promise<void> {
    const { path } = file;
    const { code, message } = readError(failure);
    if (isTransient(readError(failure)) || code === 'ILLEGAL_STATE') list.dispatch({ type: 'save-waits', path });
    else if (code === 'CONFLICT' || code === 'NOT_FOUND') await compare(file);
    else list.dispatch({ type: 'save-failed', path, message });
  }

  /** Reads what is there instead of the version that the person knows. */
  async function compare(file: TextFile): Promise<void> {
    const { path, current: text } = file;
    try {
      const read = await readWholeFile(readPart, path, { isText: true });
      if (read.kind === 'text' && toContent(read) === contentOf(file)) {
        // The save had arrived, although its answer had not.
        list.dispatch({ type: 'saved', path, version: read.version, text });
      } else {
        const outside = read.kind === 'text' ? ({ ...read, kind: 'changed' } as const) : ({ kind: 'deleted' } as const);
        list.dispatch({ type: 'conflicted', path, outside });
      }
    } catch {
      list.dispatch({ type: 'save-waits', path });
    }
  }

  return { save, countOf: (path: string): number => counts.get(path) ?? 0 };
}

const contentOf = ({ current: text, lineEnding }: TextFile): string => toContent({ text, lineEnding });
