/** The page of faults names for each row files of tests that exist, and one of them has the number of the row in a title. */

import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/operations/faults.md'), 'utf8');
const rows = page
  .split('\n')
  .filter((line) => /^\| \d+ \|/.test(line))
  .map((line) => {
    const cells = line.split('|').map((cell) => cell.trim());
    const names = [...(cells[5] ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
    return { number: cells[1] ?? '', fault: cells[2] ?? '', names };
  });

/** `redis` is in tests/faults, `integration/worker/poison` in tests. Others are written with their path. */
function fileOf(name: string): string | null {
  const candidates = [name, `tests/${name}.test.ts`, `tests/faults/${name}.test.ts`];
  return candidates.find((path) => path.endsWith('.ts') && existsSync(join(root, path))) ?? null;
}

it('the page of faults has every row once, from 1 on', () => {
  const numbers = new Set(rows.map(({ number }) => Number(number)));
  expect(numbers.size).toBeGreaterThanOrEqual(49);
  expect([...numbers]).toEqual(Array.from({ length: numbers.size }, (_, index) => index + 1));
});

it.each(rows)('fault $number ($fault) names tests that exist, and one has its number', ({ number, names }) => {
  expect(names.length).toBeGreaterThan(0);
  const files = names.map((name) => ({ name, path: fileOf(name) }));
  expect(files.filter(({ path }) => path === null)).toEqual([]);
  const texts = files.map(({ path }) => readFileSync(join(root, path ?? ''), 'utf8'));
  const titled = texts.filter((text) => new RegExp(`\\bfaults? (?:\\d+, )*(?:\\d+ and )?${number}\\b`).test(text));
  expect(titled.length).toBeGreaterThan(0);
});
