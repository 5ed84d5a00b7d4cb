/**
 * The open files of one project in this window: reads them, saves them, reads them again after a change, and keeps unsaved
 * texts. It lives as long as the window, so that a visit to another page loses nothing. What becomes of a file is decided in
 * `open-files.ts`.
 */

import type { EditorState } from '@codemirror/state';

import type { WrittenFile } from '../../../shared/contract/files.ts';
import { isTransient, readError } from '../../api/read-error.ts';
import { isAtOrIn } from '../paths.ts';
import type { DraftStorage } from './draft-storage.ts';
import { toContent, toFileText } from './line-endings.ts';
import {
  isUnsaved,
  openFilesReducer,
  type OpenFile,
  type OpenFiles,
  type OpenFilesEvent,
  type TextFile,
} from './open-files.ts';
import { readWholeFile, type ReadPart } from './read-file.ts';

export interface FileStoreDeps {
  readPart: ReadPart;
  write: (input: { path: string; content: string; version: string | null }) => Promise<WrittenFile>;
  drafts: DraftStorage;
}

export type FileStore = ReturnType<typeof createFileStore>;

const contentOf = ({ current: text, lineEnding }: TextFile): string => toContent({ text, lineEnding });

/** Opens the files again that were open, and those with unsaved texts, when `restore` is called. */
export function createFileStore({ readPart, write, drafts }: FileStoreDeps) {
  let files: OpenFiles = [];
  const listeners = new Set<() => void>();
  /** Rises when a file is saved or edited: an answer that was asked for before says nothing about the file after it. */
  const saves = new Map<string, number>();
  /** Files to be saved or read once more when the save that runs has ended. */
  const again = { save: new Set<string>(), read: new Set<string>() };
  /** Images that are shown as text. */
  const asText = new Set<string>();

  const find = (path: string): OpenFile | undefined => files.find((file) => file.path === path);
  const findText = (path: string): TextFile | null => {
    const file = find(path);
    return file?.kind === 'text' ? file : null;
  };

  function dispatch(event: OpenFilesEvent): void {
    const before = files;
    files = openFilesReducer(files, event);
    if (files === before) return;
    if (event.type === 'opened' || event.type === 'closed' || event.type === 'moved') {
      drafts.writeOpened(files.map(({ path }) => path));
    }
    for (const listener of listeners) listener();
  }

  async function readAgain(path: string, { force = false } = {}): Promise<void> {
    const file = find(path);
    if (file === undefined) return;
    const savesBefore = saves.get(path) ?? 0;
    try {
      if (!force && file.kind === 'text' && (await readPart({ path, offset: 0, limit: 1 })).version === file.version) {
        if (file.outside === null) return;
      }
    } catch (error) {
      if (readError(error).code !== 'NOT_FOUND') return; // it is read again when the files can be watched again
    }
    // Whoever edited an image as text before a reload goes on with the text.
    if ('draft' in file && file.draft !== null) asText.add(path);
    try {
      const read = await readWholeFile(readPart, path, { isText: asText.has(path) });
      const now = find(path);
      if (now === undefined) return;
      if ((saves.get(path) ?? 0) !== savesBefore || (now.kind === 'text' && now.saving === 'running')) {
        again.read.add(path);
        if (now.kind === 'text' && now.saving !== 'running') afterSave(path);
        return;
      }
      const draft = 'draft' in now ? now.draft : null;
      dispatch({ type: 'read', path, file: read, ...(draft !== null && { draftText: toFileText(draft.content) }) });
    } catch (error) {
      dispatch({ type: 'read-failed', path, message: readError(error).message });
    }
  }

  function open(path: string): void {
    if (find(path) !== undefined) return;
    dispatch({ type: 'opened', path, draft: drafts.read(path) });
    void readAgain(path, { force: true });
  }

  async function save(path: string): Promise<void> {
    const file = findText(path);
    if (file === null || (!isUnsaved(file) && file.version !== null)) return;
    if (file.saving === 'running') {
      again.save.add(path);
      return;
    }
    if (file.outside !== null) {
      dispatch({ type: 'conflicted', path, outside: file.outside });
      return;
    }
    dispatch({ type: 'save-started', path });
    const { current: text, version } = file;
    try {
      const written = await write({ path, content: contentOf(file), version });
      saves.set(path, (saves.get(path) ?? 0) + 1);
      dispatch({ type: 'saved', path, version: written.version, text });
    } catch (error) {
      await afterFailedSave(file, error);
    }
    afterSave(path);
  }

  async function afterFailedSave(file: TextFile, failure: unknown): Promise<void> {
    const { path, current: text } = file;
    const { code, message } = readError(failure);
    if (isTransient(readError(failure)) || code === 'ILLEGAL_STATE') {
      dispatch({ type: 'save-waits', path });
    } else if (code === 'CONFLICT' || code === 'NOT_FOUND') {
      try {
        const read = await readWholeFile(readPart, path, { isText: true });
        // The save had arrived, although its answer had not.
        if (read.kind === 'text' && toContent(read) === contentOf(file)) {
          dispatch({ type: 'saved', path, version: read.version, text });
        } else {
          const outside =
            read.kind === 'text' ? ({ ...read, kind: 'changed' } as const) : ({ kind: 'deleted' } as const);
          dispatch({ type: 'conflicted', path, outside });
        }
      } catch {
        dispatch({ type: 'save-waits', path });
      }
    } else {
      dispatch({ type: 'save-failed', path, message });
    }
  }

  function afterSave(path: string): void {
    if (again.read.delete(path)) void readAgain(path);
    if (again.save.delete(path)) void save(path);
  }

  return {
    get: (): OpenFiles => files,
    subscribe: (listener: () => void): (() => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    dispatch,
    /** The states of the editor by path: cursor, selection and history of each text. */
    states: new Map<string, EditorState>(),
    restore(): void {
      for (const path of new Set([...drafts.readOpened(), ...drafts.paths()])) open(path);
    },
    open,
    save,
    /** Reads these files again, or all. Texts are fetched only when their version has changed. */
    async refresh(paths?: readonly string[]): Promise<void> {
      const wanted = files.filter(({ path }) => paths === undefined || paths.includes(path));
      await Promise.all(wanted.map(({ path }) => readAgain(path)));
    },
    /** The project runs again: saves what waits for it, and reads what could not be read. */
    async resume(): Promise<void> {
      const waiting = files.filter((file) => file.kind === 'text' && file.saving === 'waiting');
      await Promise.all(waiting.map(({ path }) => save(path)));
    },
    retry: (path: string) => readAgain(path, { force: true }),
    async showAsText(path: string): Promise<void> {
      asText.add(path);
      await readAgain(path, { force: true });
    },
    /** Appends the next part of a large file. */
    async showMore(path: string): Promise<void> {
      const file = find(path);
      if (file?.kind !== 'large' || file.nextOffset === null) return;
      const { content, size, nextOffset } = await readPart({ path, offset: file.nextOffset });
      dispatch({ type: 'read', path, file: { kind: 'large', size, shown: file.shown + content, nextOffset } });
    },
    close(path: string): void {
      drafts.remove(path);
      asText.delete(path);
      this.states.delete(path);
      dispatch({ type: 'closed', path });
    },
    /** The entry was renamed: its files go on with their edits. */
    move(from: string, to: string): void {
      for (const { path } of files.filter((file) => isAtOrIn(file.path, from))) {
        drafts.remove(path);
        this.states.delete(path);
      }
      dispatch({ type: 'moved', from, to });
      for (const { path } of files.filter(({ kind }) => kind === 'loading')) void readAgain(path, { force: true });
    },
  };
}
