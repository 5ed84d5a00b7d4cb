/**
 * The open files of one project in this window: reads them, saves them, reads them again after a change, and keeps unsaved
 * texts. It lives as long as the window, so that a visit to another page loses nothing. What becomes of a file is decided in
 * `open-files.ts`.
 */

import type { EditorState } from '@codemirror/state';

import { readError } from '../../api/read-error.ts';
import { isAtOrIn } from '../paths.ts';
import type { DraftStorage } from './draft-storage.ts';
import { toFileText } from './line-endings.ts';
import { createOpenFileList } from './open-file-list.ts';
import type { OpenFile } from './open-files.ts';
import { readWholeFile, type ReadPart } from './read-file.ts';
import { createSaving, type SaveDeps } from './save-files.ts';

export interface FileStoreDeps {
  readPart: ReadPart;
  write: SaveDeps['write'];
  drafts: DraftStorage;
}

export type FileStore = ReturnType<typeof createFileStore>;

export function createFileStore({ readPart, write, drafts }: FileStoreDeps) {
  const list = createOpenFileList(drafts);
  /** Files that changed while they were saved. */
  const readLater = new Set<string>();
  /** Images that are shown as text. */
  const asText = new Set<string>();
  /** The states of the editor by path: cursor, selection and history of each text. */
  const states = new Map<string, EditorState>();
  const saving = createSaving({
    list,
    readPart,
    write,
    onEnded: (path) => {
      if (readLater.delete(path)) void refreshFile(path);
    },
  });

  const readings = new Map<string, Promise<void>>();
  function readFile(path: string): Promise<void> {
    const reading = readNow(path).finally(() => {
      if (readings.get(path) === reading) readings.delete(path);
    });
    readings.set(path, reading);
    return reading;
  }

  /** Reads a file, and drops the answer when the file was saved meanwhile. */
  async function readNow(path: string): Promise<void> {
    const before = list.find(path);
    if (before === undefined) return;
    const savesBefore = saving.countOf(path);
    // Whoever edited an image as text before a reload goes on with the text.
    if (draftOf(before) !== null) asText.add(path);
    try {
      const file = await readWholeFile(readPart, path, { isText: asText.has(path) });
      const now = list.find(path);
      if (now === undefined) return;
      if (now.kind === 'text' && now.saving === 'running') {
        readLater.add(path);
      } else if (saving.countOf(path) !== savesBefore) {
        await readIfChanged(path);
      } else {
        const draft = draftOf(now);
        list.dispatch({ type: 'read', path, file, ...(draft !== null && { draftText: toFileText(draft.content) }) });
      }
    } catch (error) {
      const { code, message } = readError(error);
      if (isNoFile(code) && list.findText(path) !== null)
        list.dispatch({ type: 'read', path, file: { kind: 'missing' } });
      else list.dispatch({ type: 'read-failed', path, message });
    }
  }

  /** A file that is being read is not read twice at the same time: afterwards its version is enough. */
  async function refreshFile(path: string): Promise<void> {
    await readings.get(path);
    await readIfChanged(path);
  }

  /** Reads a text only when its version has changed. */
  async function readIfChanged(path: string): Promise<void> {
    const file = list.findText(path);
    if (file !== null && file.outside === null) {
      try {
        if ((await readPart({ path, offset: 0, limit: 1 })).version === file.version) return;
      } catch (error) {
        if (!isNoFile(readError(error).code)) return; // it is read again when the files can be watched again
      }
    }
    await readNow(path);
  }

  function open(path: string): void {
    if (list.find(path) !== undefined) return;
    list.dispatch({ type: 'opened', path, draft: drafts.read(path) });
    void readFile(path);
  }

  return {
    get: list.get,
    subscribe: list.subscribe,
    dispatch: list.dispatch,
    states,
    open,
    save: saving.save,
    retry: readFile,
    /** Opens the files that were open before a reload, and those with unsaved texts. */
    restore(): void {
      for (const path of new Set([...drafts.readOpened(), ...drafts.paths()])) open(path);
    },
    /** Reads these files again, or all. */
    async refresh(paths?: readonly string[]): Promise<void> {
      const chosen = list.get().filter(({ path }) => paths === undefined || paths.includes(path));
      await Promise.all(chosen.map(({ path }) => refreshFile(path)));
    },
    /** The project can be reached again: saves what waits for it. */
    async resume(): Promise<void> {
      const waiting = list.get().filter((file) => file.kind === 'text' && file.saving === 'waiting');
      await Promise.all(waiting.map(({ path }) => saving.save(path)));
    },
    async showAsText(path: string): Promise<void> {
      asText.add(path);
      await readFile(path);
    },
    /** Appends the next part of a large file. */
    async showMore(path: string): Promise<void> {
      const file = list.find(path);
      if (file?.kind !== 'large' || file.nextOffset === null) return;
      const { content, size, nextOffset } = await readPart({ path, offset: file.nextOffset });
      list.dispatch({ type: 'read', path, file: { kind: 'large', size, shown: file.shown + content, nextOffset } });
    },
    close(path: string): void {
      drafts.remove(path);
      asText.delete(path);
      states.delete(path);
      list.dispatch({ type: 'closed', path });
    },
    /** The entry was renamed: its files go on with their edits. */
    move(from: string, to: string): void {
      for (const { path } of list.get().filter((file) => isAtOrIn(file.path, from))) {
        drafts.remove(path);
        states.delete(path);
      }
      list.dispatch({ type: 'moved', from, to });
      for (const { path } of list.get().filter(({ kind }) => kind === 'loading')) void readFile(path);
    },
  };
}

/** The answers about a path that is a folder, a pipe, or a link that leads out. A text that was open there is no longer on the volume. */
const isNoFile = (code: string): boolean => ['NOT_FOUND', 'VALIDATION_FAILED', 'FORBIDDEN'].includes(code);

const draftOf = (file: OpenFile) => ('draft' in file ? file.draft : null);
