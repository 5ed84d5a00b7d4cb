/** Holds the code to the vocabulary of docs/glossary.md: each word here has a standard term in its place. */

import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { describe, expect, it } from 'vitest';

/** What to write in place of each word. They match whole words, also as parts of identifiers such as `isWanted`. */
const replacements: Record<string, RegExp> = {
  'command, desired state': /wish(?:es|ed|er)?|wanted/,
  'acknowledge, report, document': /(?:un)?told/,
  'observe, observation': /seen|sights?|bereft/,
  'pending command': /lagging/,
  'failed permanently, attempts exhausted': /parked/,
  'drift (candidate, confirmed)': /suspects?|convict(?:s|ed|ion|ions)?|excuses?|spoiled/,
  again: /anew|wholly/,
  'send buffer, backpressure': /mailbox(?:es)?/,
  'time limit, back-off': /patien(?:ce|t|tly)/,
  'snapshot (engine), scenario (simulator)': /situations?|fates?|befalls?|befell/,
  'diagnosis, reason': /explanations?/,
  'failure, cause': /troubles?/,
  'fix, repair': /mend(?:s|ed|ing)?/,
  'an injected clock': /crowded/,
};

const word = new RegExp(
  `\\b(?:${Object.values(replacements)
    .map(({ source }) => `(?:${source})`)
    .join('|')})\\b`,
  'gi',
);

/** Splits identifiers into words, for example `isWanted` into `is Wanted`. */
const wordsOf = (line: string) => line.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replace(/[_-]/g, ' ');

const root = resolve(import.meta.dirname, '../..');
const self = 'tests/docs/vocabulary.test.ts';

/** Words that are not ours: a column of kubectl, and the names of migrations, which never change once they have run. */
const quoted = /last seen|0007-session-last-seen|0008-explanations/gi;

function findingsIn(file: string): string[] {
  return readFileSync(join(root, file), 'utf8')
    .split('\n')
    .flatMap((line, index) =>
      [...wordsOf(line.replace(quoted, '')).matchAll(word)].map(([match]) => `${file}:${index + 1}: ${match}`),
    );
}

describe('the vocabulary of the glossary', () => {
  it.each(['src', 'tests', 'bench', 'examples', 'docs', 'k8s'])('is used everywhere in %s', (folder) => {
    const files = globSync(`${folder}/**/*.{ts,tsx,css,html,md,yaml,sh}`, { cwd: root }).filter(
      (file) => file !== self,
    );
    expect(files.length).toBeGreaterThan(0);
    expect(files.flatMap(findingsIn)).toEqual([]);
  });

  it.each(['README.md', 'DEVELOPMENT.md', 'CONTRIBUTING.md', 'SECURITY.md', 'docker-compose.yml', '.ci/run'])(
    'is used in %s',
    (file) => {
      expect(findingsIn(file)).toEqual([]);
    },
  );
});
