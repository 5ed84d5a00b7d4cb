import { describe, expect, it } from 'vitest';

import type { FileEntry } from '../../../shared/contract/files.ts';
import { noMarks } from './git-marks.ts';
import { treeAction, typeAhead } from './tree-keys.ts';
import { treeRows, type FolderContent } from './tree-rows.ts';

const entry = (name: string, kind: FileEntry['kind'] = 'file'): FileEntry => ({
  name,
  kind,
  size: null,
  modifiedAt: '2026-11-28T00:00:00.000Z',
  leadsTo: null,
});
const content = (...entries: FileEntry[]): FolderContent => ({ entries, isLoading: false, problem: null });

// empty/  (expanded, without entries)
// src/    (expanded)
//   main.ts
//   model.ts
// test+
// package.json
const rows = treeRows({
  folders: new Map([
    [
      '',
      content(
        entry('empty', 'directory'),
        entry('src', 'directory'),
        entry('test', 'directory'),
        entry('package.json'),
      ),
    ],
    ['empty', content()],
    ['src', content(entry('main.ts'), entry('model.ts'))],
  ]),
  expanded: new Set(['empty', 'src']),
  git: noMarks,
});
const press = (key: string, current: string | null, change = {}) =>
  treeAction(rows, current, { key, shiftKey: false, hasModifier: false, pageSize: 3, ...change });

describe('the keyboard of the tree', () => {
  it.each([
    ['ArrowDown', 'empty', 'src'],
    ['ArrowDown', 'package.json', 'package.json'],
    ['ArrowDown', null, 'empty'],
    ['ArrowUp', 'test', 'src/model.ts'],
    ['ArrowUp', 'empty', 'empty'],
    ['PageDown', 'empty', 'src/model.ts'],
    ['PageUp', 'test', 'src'],
    ['Home', 'test', 'empty'],
    ['End', 'src', 'package.json'],
    ['ArrowRight', 'src', 'src/main.ts'],
    ['ArrowLeft', 'src/model.ts', 'src'],
  ])('%s moves from %s to %s', (key, from, to) => {
    expect(press(key, from)).toEqual({ type: 'move', to });
  });

  it('expands and collapses folders with the arrows, and with Enter', () => {
    expect(press('ArrowRight', 'test')).toEqual({ type: 'expand', path: 'test' });
    expect(press('ArrowLeft', 'src')).toEqual({ type: 'collapse', path: 'src' });
    expect(press('Enter', 'test')).toEqual({ type: 'expand', path: 'test' });
    expect(press(' ', 'src')).toEqual({ type: 'collapse', path: 'src' });
  });

  it('does nothing where there is nothing further', () => {
    expect(press('ArrowRight', 'empty')).toBeNull();
    expect(press('ArrowRight', 'package.json')).toBeNull();
    expect(press('ArrowLeft', 'package.json')).toBeNull();
  });

  it('opens, renames and deletes, and shows the menu', () => {
    expect(press('Enter', 'src/main.ts')).toEqual({ type: 'open', path: 'src/main.ts' });
    expect(press('F2', 'src')).toEqual({ type: 'rename', path: 'src' });
    expect(press('Delete', 'src')).toEqual({ type: 'delete', path: 'src' });
    expect(press('F10', 'src', { shiftKey: true })).toEqual({ type: 'menu', path: 'src' });
    expect(press('F10', 'src')).toBeNull();
    expect(press('ContextMenu', 'src')).toEqual({ type: 'menu', path: 'src' });
  });

  it('leaves keys with a modifier to the browser and to shortcuts', () => {
    expect(press('ArrowDown', 'src', { hasModifier: true })).toBeNull();
  });
});

describe('type-ahead', () => {
  it('moves to the next entry with the letter, from the end to the beginning', () => {
    expect(typeAhead(rows, 'src', 'm')).toBe('src/main.ts');
    expect(typeAhead(rows, 'src/main.ts', 'm')).toBe('src/model.ts');
    expect(typeAhead(rows, 'src/model.ts', 'mm')).toBe('src/main.ts');
  });

  it('narrows with further letters, and stays at an entry that still matches', () => {
    expect(typeAhead(rows, 'src/main.ts', 'mo')).toBe('src/model.ts');
    expect(typeAhead(rows, 'src/main.ts', 'ma')).toBe('src/main.ts');
  });

  it('ignores case, and finds nothing where nothing matches', () => {
    expect(typeAhead(rows, 'src', 'PA')).toBe('package.json');
    expect(typeAhead(rows, 'src', 'z')).toBeNull();
  });
});
