import { describe, expect, it } from 'vitest';

import { folderOf, foldersAbove, isAtOrIn, joinPath, movedPath, nameOf, nameOfCopy, problemOfPath } from './paths.ts';

describe('a path', () => {
  it('has a name and a folder', () => {
    expect([nameOf('src/a/main.ts'), folderOf('src/a/main.ts')]).toEqual(['main.ts', 'src/a']);
    expect([nameOf('README.md'), folderOf('README.md')]).toEqual(['README.md', '']);
    expect([joinPath('', 'a'), joinPath('src', 'a')]).toEqual(['a', 'src/a']);
  });

  it('has the folders above it, outermost first', () => {
    expect(foldersAbove('src/a/main.ts')).toEqual(['src', 'src/a']);
    expect(foldersAbove('README.md')).toEqual([]);
  });

  it('lies in its own folders, and not in a folder whose name merely begins like one', () => {
    expect(isAtOrIn('src/a', 'src')).toBe(true);
    expect(isAtOrIn('src', 'src')).toBe(true);
    expect(isAtOrIn('src2/a', 'src')).toBe(false);
    expect(isAtOrIn('a', '')).toBe(true);
  });

  it('moves with a folder above it', () => {
    expect(movedPath('src/a/b.ts', 'src', 'lib')).toBe('lib/a/b.ts');
    expect(movedPath('src', 'src', 'lib/src')).toBe('lib/src');
    expect(movedPath('src2/a', 'src', 'lib')).toBe('src2/a');
  });
});

describe('problemOfPath', () => {
  it.each(['', ' ', '/a', 'a/', 'a//b', '.', 'a/../b', 'a\0'])('refuses %j', (path) => {
    expect(problemOfPath(path)).not.toBeNull();
  });

  it.each(['a', '.env', 'a b/c', '..a', 'ü/日本.txt', 'a\nb'])('accepts %j', (path) => {
    expect(problemOfPath(path)).toBeNull();
  });
});

describe('nameOfCopy', () => {
  it('keeps the extension and counts until the name is free', () => {
    expect(nameOfCopy('main.ts', new Set(['main.ts']))).toBe('main copy.ts');
    expect(nameOfCopy('main.ts', new Set(['main copy.ts', 'main copy 2.ts']))).toBe('main copy 3.ts');
    expect(nameOfCopy('.env', new Set())).toBe('.env copy');
    expect(nameOfCopy('Makefile', new Set())).toBe('Makefile copy');
  });
});
