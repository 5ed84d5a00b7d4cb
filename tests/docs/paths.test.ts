/** The links and the paths that the pages of this project name. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const markdownIn = (folder: string, recursive: boolean) =>
  readdirSync(join(root, folder), { recursive, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));
const pages = [...markdownIn('.', false), ...markdownIn('docs', true), ...markdownIn('k8s', true)];

/** `[text](target)` with a target in this repository, without its heading. */
const linkTarget = /\]\((?![a-z]+:|#)([^)#\s]+)/g;
/** A path that begins with one of our folders, also inside a command. Patterns and placeholders are not paths. */
const namedPath = /(?<![\w./@-])((?:bench|docs|examples|images|k8s|migrations|src|tests)\/[\w./-]*\w)(?![\w./*<…{-])/g;
/** Not files: an example, and a filter of the test runner. */
const exceptions = new Set(['migrations/0011-project-color.ts', 'tests/integration/configuration-page']);

function missingFrom(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  const links = [...text.matchAll(linkTarget)].map(([, target = '']) => join(dirname(page), target));
  const paths = [...text.matchAll(namedPath)].map(([, path = '']) => path).filter((path) => !exceptions.has(path));
  return [...links, ...paths].filter((path) => !existsSync(join(root, path)));
}

/** A row of the walk in the architecture page: number, file, function. */
const hop = /^\| \d+ \| `([^`]+)` \| `([^`]+)` \|/gm;

it.each(pages)('every link and path in %s leads to a file', (page) => {
  expect(missingFrom(page)).toEqual([]);
});

it('each hop of the walk in docs/architecture.md names a function of its file', () => {
  const hops = [...readFileSync(join(root, 'docs/architecture.md'), 'utf8').matchAll(hop)];
  const missing = hops.filter(([, path = '', name = '']) => {
    const text = readFileSync(join(root, path), 'utf8');
    const definition = `(?:function\\*?|const) ${name}\\b|^ +(?:async )?\\*?${name}(?:\\(|: )`;
    return !new RegExp(definition, 'm').test(text);
  });
  expect(missing.map(([row]) => row)).toEqual([]);
  expect(hops.length).toBeGreaterThan(20);
  expect(hops.length).toBeLessThanOrEqual(30);
});
