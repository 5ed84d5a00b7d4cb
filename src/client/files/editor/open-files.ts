/**
 * The open files of a project and what becomes of them: read, edited, saved, changed outside, in conflict, closed. A pure
 * reducer. Two rules hold in each state: text that a person typed is dropped only by that person, and a save names the
 * version that the person knows.
 */

import { Text } from '@codemirror/state';

import { isAtOrIn, movedPath } from '../paths.ts';
import type { FileText, LineEnding } from './line-endings.ts';

/** The content of a file on the volume. */
export interface DiskText extends FileText {
  version: string;
}

/** What a file has become on the volume while it has unsaved edits here. */
export type Outside = ({ kind: 'changed' } & DiskText) | { kind: 'deleted' };

export interface TextFile {
  kind: 'text';
  path: string;
  /** The text that the edits started from, and its version. `null`: there is no such file on the volume. */
  base: Text;
  version: string | null;
  lineEnding: LineEnding;
  /** The text in the editor. */
  current: Text;
  outside: Outside | null;
  /** A save found another version on the volume. The person has to decide. */
  isInConflict: boolean;
  /** `waiting`: it is saved when the project runs again. */
  saving: 'no' | 'running' | 'waiting';
  /** Why the last save failed, or `null`. */
  problem: string | null;
  /** The unsaved edits are from before a reload. */
  isRestored: boolean;
}

export interface Draft {
  content: string;
  version: string | null;
}

export type OpenFile =
  | { kind: 'loading'; path: string; draft: Draft | null }
  | TextFile
  /** Too large to be edited: the parts that were read so far. */
  | { kind: 'large'; path: string; size: number; shown: string; nextOffset: number | null }
  /** `revision` rises with each change on the volume. */
  | { kind: 'image'; path: string; revision: number }
  | { kind: 'binary'; path: string; size: number }
  | { kind: 'missing'; path: string }
  | { kind: 'failed'; path: string; message: string; draft: Draft | null };

/** What was read from the volume. */
export type ReadFile =
  | ({ kind: 'text' } & DiskText)
  | { kind: 'large'; size: number; shown: string; nextOffset: number | null }
  | { kind: 'image' }
  | { kind: 'binary'; size: number }
  | { kind: 'missing' };

export type OpenFilesEvent =
  | { type: 'opened'; path: string; draft: Draft | null }
  | { type: 'read'; path: string; file: ReadFile; draftText?: FileText }
  | { type: 'read-failed'; path: string; message: string }
  | { type: 'edited'; path: string; text: Text }
  | { type: 'closed'; path: string }
  | { type: 'save-started' | 'save-waits' | 'discarded' | 'conflict-closed'; path: string }
  /** `known`: what the file had become when the person decided. It may have changed again since. */
  | { type: 'kept'; path: string; known: Outside | null }
  | { type: 'saved'; path: string; version: string; text: Text }
  | { type: 'save-failed'; path: string; message: string }
  | { type: 'conflicted'; path: string; outside: Outside }
  | { type: 'merged'; path: string; known: Outside; text: Text }
  | { type: 'moved'; from: string; to: string };

export type OpenFiles = readonly OpenFile[];

export const isUnsaved = (file: OpenFile): boolean =>
  file.kind === 'text'
    ? !file.current.eq(file.base) || (file.version === null && file.current.length > 0)
    : hasDraft(file);

const hasDraft = (file: OpenFile): boolean => 'draft' in file && file.draft !== null;

export function openFilesReducer(files: OpenFiles, event: OpenFilesEvent): OpenFiles {
  switch (event.type) {
    case 'opened':
      if (files.some(({ path }) => path === event.path)) return files;
      return [...files, { kind: 'loading', path: event.path, draft: event.draft }];
    case 'closed':
      return files.filter(({ path }) => path !== event.path);
    case 'moved':
      return files.map((file) =>
        isAtOrIn(file.path, event.from) ? { ...file, path: movedPath(file.path, event.from, event.to) } : file,
      );
    default:
      return files.map((file) => (file.path === event.path ? changedFile(file, event) : file));
  }
}

type FileEvent = Exclude<OpenFilesEvent, { type: 'opened' | 'closed' | 'moved' }>;

function changedFile(file: OpenFile, event: FileEvent): OpenFile {
  if (event.type === 'read') return afterRead(file, event);
  if (event.type === 'read-failed') return afterFailedRead(file, event.message);
  return file.kind === 'text' ? changedText(file, event) : file;
}

function afterRead(file: OpenFile, { file: read, draftText }: Extract<FileEvent, { type: 'read' }>): OpenFile {
  const { path } = file;
  if (file.kind === 'text') return afterReadAgain(file, read);
  if (hasDraft(file) && draftText !== undefined && 'draft' in file && file.draft !== null) {
    return restored(path, { read, draftText, version: file.draft.version });
  }
  switch (read.kind) {
    case 'text':
      return textFile(path, read);
    case 'image':
      return { kind: 'image', path, revision: file.kind === 'image' ? file.revision + 1 : 0 };
    case 'large':
      // The parts that a person has asked for stay.
      return file.kind === 'large' && file.size === read.size && file.shown.startsWith(read.shown)
        ? file
        : { ...read, path };
    case 'binary':
    case 'missing':
      return { ...read, path };
  }
}

function textFile(path: string, { text, lineEnding, version }: DiskText): TextFile {
  return {
    kind: 'text',
    path,
    base: text,
    version,
    lineEnding,
    current: text,
    outside: null,
    isInConflict: false,
    saving: 'no',
    problem: null,
    isRestored: false,
  };
}

/** Puts the edits from before a reload on top of what the file is now. */
function restored(
  path: string,
  { read, draftText, version }: { read: ReadFile; draftText: FileText; version: string | null },
): OpenFile {
  const edits = { current: draftText.text, isRestored: true };
  if (read.kind === 'text') {
    if (read.text.eq(draftText.text)) return textFile(path, read);
    const outside: Outside | null = read.version === version ? null : { ...read, kind: 'changed' };
    return { ...textFile(path, read), ...edits, version, outside };
  }
  const outside: Outside | null = version === null ? null : { kind: 'deleted' };
  return { ...textFile(path, { ...draftText, version: '' }), ...edits, base: Text.empty, version, outside };
}

function afterReadAgain(file: TextFile, read: ReadFile): OpenFile {
  if (read.kind === 'text' && read.version === file.version)
    return file.outside === null ? file : { ...file, outside: null };
  if (file.saving === 'running') return file; // the answer to the save says what the file is
  if (!isUnsaved(file))
    return read.kind === 'text'
      ? textFile(file.path, read)
      : afterRead({ kind: 'missing', path: file.path }, { type: 'read', path: file.path, file: read });
  if (read.kind !== 'text') return { ...file, outside: { kind: 'deleted' } };
  if (read.text.eq(file.current) && read.lineEnding === file.lineEnding) return textFile(file.path, read);
  return { ...file, outside: { ...read, kind: 'changed' } };
}

function afterFailedRead(file: OpenFile, message: string): OpenFile {
  // What is on the screen stays. The file is read again when the files of the project can be watched again.
  if (file.kind !== 'loading' && file.kind !== 'failed') return file;
  return { kind: 'failed', path: file.path, message, draft: file.draft };
}

function changedText(file: TextFile, event: Exclude<FileEvent, { type: 'read' | 'read-failed' }>): OpenFile {
  switch (event.type) {
    case 'edited':
      return { ...file, current: event.text, problem: null };
    case 'save-started':
      return { ...file, saving: 'running', problem: null };
    case 'save-waits':
      return { ...file, saving: 'waiting', problem: null };
    case 'save-failed':
      return { ...file, saving: 'no', problem: event.message };
    case 'saved':
      return {
        ...file,
        base: event.text,
        version: event.version,
        saving: 'no',
        problem: null,
        outside: null,
        isInConflict: false,
        isRestored: false,
      };
    case 'conflicted':
      return { ...file, saving: 'no', outside: event.outside, isInConflict: true };
    case 'conflict-closed':
      return { ...file, isInConflict: false };
    case 'kept':
      return kept(file, event.known);
    case 'merged':
      return { ...kept(file, event.known), current: event.text };
    case 'discarded':
      return discarded(file);
  }
}

/** The person knows what the file has become, and goes on with the own text on top of it. */
function kept(file: TextFile, known: Outside | null): TextFile {
  const outside = isSame(file.outside, known) ? null : file.outside;
  const settled = { ...file, outside, isInConflict: false, isRestored: false };
  if (known === null) return settled;
  if (known.kind === 'deleted') return { ...settled, base: Text.empty, version: null };
  return { ...settled, base: known.text, version: known.version };
}

const isSame = (one: Outside | null, other: Outside | null): boolean =>
  one?.kind === 'changed' && other?.kind === 'changed' ? one.version === other.version : one?.kind === other?.kind;

/** The person gives up the own text. */
function discarded(file: TextFile): OpenFile {
  if (file.outside?.kind === 'deleted' || (file.outside === null && file.version === null)) {
    return { kind: 'missing', path: file.path };
  }
  if (file.outside !== null) return textFile(file.path, file.outside);
  return { ...file, current: file.base, saving: 'no', problem: null, isRestored: false };
}
