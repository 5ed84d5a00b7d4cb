import { describe, expect, it } from 'vitest';

import { toContent, toFileText } from './line-endings.ts';
import {
  isUnsaved,
  openFilesReducer,
  type OpenFile,
  type OpenFiles,
  type OpenFilesEvent,
  type ReadFile,
} from './open-files.ts';

const path = 'src/main.ts';
const disk = (content: string, version: string) => ({ kind: 'text' as const, version, ...toFileText(content) });
const read = (content: string, version: string): OpenFilesEvent => ({
  type: 'read',
  path,
  file: disk(content, version),
});
const edited = (content: string): OpenFilesEvent => ({ type: 'edited', path, text: toFileText(content).text });
const opened: OpenFilesEvent = { type: 'opened', path, draft: null };
const gone: OpenFilesEvent = { type: 'read', path, file: { kind: 'missing' } };

const after = (...events: OpenFilesEvent[]): OpenFiles => events.reduce(openFilesReducer, []);
/** The text that a save would send, on which version, and what the person reads. */
function stateOf(files: OpenFiles) {
  const [file] = files;
  if (file?.kind !== 'text') return file?.kind;
  return {
    content: toContent({ text: file.current, lineEnding: file.lineEnding }),
    version: file.version,
    unsaved: isUnsaved(file),
    outside: file.outside?.kind ?? null,
  };
}

describe('an open file without edits', () => {
  it('shows what was read, and what is read again', () => {
    expect(stateOf(after(opened, read('one', 'v1')))).toEqual({
      content: 'one',
      version: 'v1',
      unsaved: false,
      outside: null,
    });
    expect(stateOf(after(opened, read('one', 'v1'), read('two\r\n', 'v2')))).toMatchObject({
      content: 'two\r\n',
      version: 'v2',
    });
  });

  it('says that it was deleted, and shows it when it is back', () => {
    expect(stateOf(after(opened, read('one', 'v1'), gone))).toBe('missing');
    expect(stateOf(after(opened, read('one', 'v1'), gone, read('back', 'v3')))).toMatchObject({ content: 'back' });
  });

  it('keeps its text when it could not be read again', () => {
    const failed: OpenFilesEvent = { type: 'read-failed', path, message: 'The project is stopped.' };
    expect(stateOf(after(opened, read('one', 'v1'), failed))).toMatchObject({ content: 'one' });
    expect(stateOf(after(opened, failed))).toBe('failed');
    expect(stateOf(after(opened, failed, read('one', 'v1')))).toMatchObject({ content: 'one' });
  });

  it('is opened once only, and stays at its place', () => {
    const other: OpenFilesEvent = { type: 'opened', path: 'b', draft: null };
    expect(after(opened, other, opened).map((file) => file.path)).toEqual([path, 'b']);
  });
});

describe('an open file with unsaved edits', () => {
  const mine = [opened, read('one', 'v1'), edited('mine')];

  it('is unsaved until its text is the text on the volume again', () => {
    expect(stateOf(after(...mine))).toMatchObject({ content: 'mine', unsaved: true });
    expect(stateOf(after(...mine, edited('one')))).toMatchObject({ unsaved: false });
  });

  it('is saved with the version that the person knows, and stays unsaved when it was edited meanwhile', () => {
    const { text } = toFileText('mine');
    const saved: OpenFilesEvent = { type: 'saved', path, version: 'v2', text };
    expect(stateOf(after(...mine, { type: 'save-started', path }, saved))).toMatchObject({
      version: 'v2',
      unsaved: false,
    });
    expect(stateOf(after(...mine, { type: 'save-started', path }, edited('mine!'), saved))).toMatchObject({
      content: 'mine!',
      version: 'v2',
      unsaved: true,
    });
  });

  it('keeps them when the file is changed or deleted outside, and still saves on the version that the person knows', () => {
    expect(stateOf(after(...mine, read('theirs', 'v2')))).toEqual({
      content: 'mine',
      version: 'v1',
      unsaved: true,
      outside: 'changed',
    });
    expect(stateOf(after(...mine, gone))).toEqual({
      content: 'mine',
      version: 'v1',
      unsaved: true,
      outside: 'deleted',
    });
  });

  it('has no notice any more when the file is what it was before', () => {
    expect(stateOf(after(...mine, read('theirs', 'v2'), read('one', 'v1')))).toMatchObject({ outside: null });
  });

  it('has nothing to save when somebody else wrote the same text', () => {
    expect(stateOf(after(...mine, read('mine', 'v2')))).toEqual({
      content: 'mine',
      version: 'v2',
      unsaved: false,
      outside: null,
    });
  });

  it('waits for the project, and loses nothing when the save fails', () => {
    const waits = after(...mine, { type: 'save-waits', path });
    expect(waits[0]).toMatchObject({ saving: 'waiting' });
    expect(stateOf(waits)).toMatchObject({ content: 'mine', unsaved: true });
    const failed = after(...mine, { type: 'save-started', path }, { type: 'save-failed', path, message: 'No.' });
    expect(failed[0]).toMatchObject({ saving: 'no', problem: 'No.' });
  });

  it('is not disturbed by a reading during a save', () => {
    const during = after(...mine, { type: 'save-started', path }, read('mine', 'v2'));
    expect(during[0]).toMatchObject({ saving: 'running', version: 'v1' });
  });
});

describe('a conflict', () => {
  const theirs = { ...disk('theirs', 'v2'), kind: 'changed' as const };
  const conflicted: OpenFilesEvent = { type: 'conflicted', path, outside: theirs };
  const before = [opened, read('one', 'v1'), edited('mine'), { type: 'save-started', path } as const, conflicted];

  it('keeps both texts until the person decides', () => {
    const [file] = after(...before);
    expect(file).toMatchObject({ isInConflict: true, saving: 'no' });
    expect(stateOf(after(...before))).toMatchObject({ content: 'mine', version: 'v1', outside: 'changed' });
    expect(stateOf(after(...before, { type: 'conflict-closed', path }))).toMatchObject({ outside: 'changed' });
  });

  it('ends with the own text on the new version', () => {
    expect(stateOf(after(...before, { type: 'kept', path, known: theirs }))).toEqual({
      content: 'mine',
      version: 'v2',
      unsaved: true,
      outside: null,
    });
  });

  it('ends with the other text', () => {
    expect(stateOf(after(...before, { type: 'discarded', path }))).toEqual({
      content: 'theirs',
      version: 'v2',
      unsaved: false,
      outside: null,
    });
  });

  it('ends with a merged text on the new version', () => {
    const merged = after(...before, { type: 'merged', path, known: theirs, text: toFileText('both').text });
    expect(stateOf(merged)).toEqual({ content: 'both', version: 'v2', unsaved: true, outside: null });
  });

  it('continues when the file has changed once more before the person decided', () => {
    const files = after(...before, read('newer', 'v3'), { type: 'kept', path, known: theirs });
    expect(stateOf(files)).toEqual({ content: 'mine', version: 'v2', unsaved: true, outside: 'changed' });
  });

  it('with a deletion ends with a new file, or without the file', () => {
    const known = { kind: 'deleted' as const };
    const deleted: OpenFilesEvent = { type: 'conflicted', path, outside: known };
    const states = [opened, read('one', 'v1'), edited('mine'), deleted];
    expect(stateOf(after(...states, { type: 'kept', path, known }))).toEqual({
      content: 'mine',
      version: null,
      unsaved: true,
      outside: null,
    });
    expect(stateOf(after(...states, { type: 'discarded', path }))).toBe('missing');
  });
});

describe('edits from before a reload', () => {
  const draft = { content: 'mine\r\n', version: 'v1' };
  const openedWithDraft: OpenFilesEvent = { type: 'opened', path, draft };
  const readWithDraft = (file: ReadFile): OpenFilesEvent => ({
    type: 'read',
    path,
    file,
    draftText: toFileText(draft.content),
  });

  it('are on top of the file as it was', () => {
    const files = after(openedWithDraft, readWithDraft(disk('one\r\n', 'v1')));
    expect(stateOf(files)).toEqual({ content: 'mine\r\n', version: 'v1', unsaved: true, outside: null });
    expect(files[0]).toMatchObject({ isRestored: true });
  });

  it('are in conflict when the file has changed meanwhile', () => {
    expect(stateOf(after(openedWithDraft, readWithDraft(disk('theirs', 'v2'))))).toMatchObject({
      version: 'v1',
      outside: 'changed',
      unsaved: true,
    });
  });

  it('survive the deletion of the file', () => {
    expect(stateOf(after(openedWithDraft, readWithDraft({ kind: 'missing' })))).toMatchObject({
      content: 'mine\r\n',
      outside: 'deleted',
      unsaved: true,
    });
  });

  it('are kept while the file cannot be read', () => {
    const [file] = after(openedWithDraft, { type: 'read-failed', path, message: 'The project is stopped.' });
    expect(file).toMatchObject({ kind: 'failed', draft });
    expect(file !== undefined && isUnsaved(file)).toBe(true);
  });
});

describe('several open files', () => {
  const files: OpenFile[] = ['src/a', 'src/b', 'lib/c'].map((each) => ({ kind: 'missing', path: each }));

  it('move with a folder above them, with their edits', () => {
    expect(openFilesReducer(files, { type: 'moved', from: 'src', to: 'lib/src' }).map((file) => file.path)).toEqual([
      'lib/src/a',
      'lib/src/b',
      'lib/c',
    ]);
  });

  it('are closed one by one', () => {
    expect(openFilesReducer(files, { type: 'closed', path: 'src/b' }).map((file) => file.path)).toEqual([
      'src/a',
      'lib/c',
    ]);
  });
});
