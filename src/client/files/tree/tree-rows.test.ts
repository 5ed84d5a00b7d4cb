import { describe, expect, it } from 'vitest';

import type { FileEntry } from '../../../shared/contract/files.ts';
import { marksOf, noMarks } from './git-marks.ts';
import { treeRows, type FolderContent, type TreeRow } from './tree-rows.ts';

const entry = (name: string, change: Partial<FileEntry> = {}): FileEntry => ({
  name,
  kind: 'file',
  size: 1,
  modifiedAt: '2026-11-28T00:00:00.000Z',
  leadsTo: null,
  ...change,
});
const folder = (name: string): FileEntry => entry(name, { kind: 'directory', size: null });
const content = (...entries: FileEntry[]): FolderContent => ({ entries, isLoading: false, problem: null });

/** "  src/" for an expanded folder, "  !message" for a note. */
const drawn = (rows: TreeRow[]): string[] =>
  rows.map((row) =>
    row.kind === 'note'
      ? `${'  '.repeat(row.level - 1)}!${row.note}`
      : `${'  '.repeat(row.level - 1)}${row.entry.name}${row.isFolder ? (row.isExpanded ? '/' : '+') : ''}`,
  );

const folders = new Map([
  ['', content(folder('.git'), folder('src'), folder('test'), entry('README.md'))],
  ['src', content(folder('a'), entry('main.ts'))],
  ['src/a', content(entry('x.ts'))],
]);

describe('the rows of the tree', () => {
  it('contain the entries of expanded folders below them, and hide the folder of git', () => {
    const rows = treeRows({ folders, expanded: new Set(['src', 'src/a']), git: noMarks });
    expect(drawn(rows)).toEqual(['src/', '  a/', '    x.ts', '  main.ts', 'test+', 'README.md']);
  });

  it('leave out an expanded folder whose parent is collapsed', () => {
    expect(drawn(treeRows({ folders, expanded: new Set(['src/a']), git: noMarks }))).toEqual([
      'src+',
      'test+',
      'README.md',
    ]);
  });

  it('say that a folder is loading, is empty, or could not be read', () => {
    const known = new Map([
      ['', content(folder('empty'), folder('failed'), folder('new'), folder('partly'))],
      ['empty', content()],
      ['failed', { ...content(), problem: 'It is gone.' }],
      ['partly', { ...content(entry('first')), isLoading: true }],
    ]);
    const rows = treeRows({ folders: known, expanded: new Set(['empty', 'failed', 'new', 'partly']), git: noMarks });
    expect(drawn(rows)).toEqual([
      'empty/',
      '  !empty',
      'failed/',
      '  !failed',
      'new/',
      '  !loading',
      'partly/',
      '  first',
      '  !loading',
    ]);
    expect(rows.find((row) => row.kind === 'note' && row.note === 'failed')).toMatchObject({ message: 'It is gone.' });
  });

  it('count positions among the visible entries of one folder', () => {
    const rows = treeRows({ folders, expanded: new Set(['src']), git: noMarks });
    expect(rows.map((row) => row.kind === 'entry' && [row.path, row.level, row.position, row.setSize])).toEqual([
      ['src', 1, 1, 3],
      ['src/a', 2, 1, 2],
      ['src/main.ts', 2, 2, 2],
      ['test', 1, 2, 3],
      ['README.md', 1, 3, 3],
    ]);
  });

  it('carry the status of git, and mark each folder above a change', () => {
    const git = marksOf({
      files: [
        { path: 'src/a/x.ts', status: 'modified', additions: 1, deletions: 0 },
        { path: 'README.md', status: 'added', additions: 1, deletions: 0 },
        { path: 'test/gone.ts', status: 'deleted', additions: 0, deletions: 3 },
      ],
    });
    const rows = treeRows({ folders, expanded: new Set(['src', 'src/a']), git });
    expect(rows.map((row) => row.kind === 'entry' && row.git)).toEqual([
      'contains-changes',
      'contains-changes',
      'modified',
      null,
      'contains-changes',
      'added',
    ]);
  });

  it('let a link to a folder be expanded', () => {
    const known = new Map([
      ['', content(entry('link', { kind: 'link', leadsTo: 'directory' }), entry('broken', { kind: 'link' }))],
    ]);
    expect(drawn(treeRows({ folders: known, expanded: new Set(), git: noMarks }))).toEqual(['link+', 'broken']);
  });
});
