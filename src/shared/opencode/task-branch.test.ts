import { describe, expect, it } from 'vitest';

import { listed, withoutSecrets } from './branch-problems.ts';
import { parseResult } from './run-script.ts';
import { branchName, changesOf } from './task-branch.ts';

const id = '1113be77-79b8-45ba-8947-ce6224391d6e';
const commit = 'a'.repeat(40);

describe('the name of a branch', () => {
  it.each([
    { title: 'Add a health check', name: 'task/1113be77-add-a-health-check' },
    { title: '  Größe: “ändern” & ../../etc --force', name: 'task/1113be77-gro-e-andern-etc-force' },
    { title: '日本語', name: 'task/1113be77' },
    { title: `${'x'.repeat(39)} y`, name: `task/1113be77-${'x'.repeat(39)}` },
    { title: '.lock', name: 'task/1113be77-lock' },
  ])('of “$title” is one that git accepts', ({ title, name }) => {
    expect(branchName({ id, title })).toBe(name);
  });
});

describe('the answer of the script', () => {
  const text = `exit 3\nbase ${commit}\nready\nsection names\nQQBh\nAA==\n\nsection errors\nYmFkG1sxbQ==\n\nend`;

  it('has values, sections and cleaned errors', () => {
    const result = parseResult(text);
    expect(result).toMatchObject({ exitCode: 3, errors: 'bad [1m' });
    expect([...(result?.values ?? [])]).toEqual([
      ['base', commit],
      ['ready', ''],
    ]);
    expect(result?.sections.get('names')?.toString('latin1')).toBe('A\0a\0');
  });

  it.each(['', 'exit 0', 'exit x\nend', text.slice(0, -3)])('is not read from a part such as %j', (part) => {
    expect(parseResult(part)).toBeNull();
  });
});

describe('changes whose lists were cut', () => {
  const values = new Map([
    ['base', commit],
    ['head', commit],
    ['count', '3'],
  ]);
  const read = (names: string, numbers: string, patch: string) =>
    changesOf({
      values,
      sections: new Map(Object.entries({ names, numbers, patch }).map(([name, text]) => [name, Buffer.from(text)])),
    });

  it('have the complete entries, and say that there are more', () => {
    const patch = 'diff --git a/a b/a\n+diff --git is text here\n';
    const changes = read('M\0a\0A\0b\0D', '1\t0\ta\0-\t-\tb\0', patch);
    expect(changes).toMatchObject({ fileCount: 3, isTruncated: true });
    expect(changes.files).toEqual([
      { path: 'a', status: 'modified', additions: 1, deletions: 0, isBinary: false, patch },
      { path: 'b', status: 'added', additions: 0, deletions: 0, isBinary: true, patch: null },
    ]);
  });

  it('have no patch that may be incomplete', () => {
    const half = `diff --git a/a b/a\n+${'x'.repeat(2_000_000)}`.slice(0, 2_000_000);
    expect(read('M\0a\0', '1\t0\ta\0', half).files).toMatchObject([{ patch: null }]);
  });
});

it('names in a message are few and in one line, and addresses in it have no secrets', () => {
  expect(listed([])).toBe('some files');
  expect(listed(['a\nb', 'c', 'd', 'e', 'f'])).toBe('“a b”, “c”, “d” and 2 more');
  expect(withoutSecrets('fatal: https://user:tok@en.test/x and ssh://git@host/y')).toBe(
    'fatal: https://en.test/x and ssh://host/y',
  );
});
