import { expect, it } from 'vitest';

import { configFilesOf } from './config-files.ts';

const configOf = (document: string, rules = '') =>
  JSON.parse(configFilesOf({ version: 1, document, rules }).config) as Record<string, unknown>;

it('the files of a configuration are its document, with the rules as one more file of instructions', () => {
  const $schema = 'https://opencode.ai/config.json';
  expect(configFilesOf(null)).toEqual({ version: 0, config: `{"$schema":"${$schema}"}\n`, rules: '' });
  expect(configOf('{"instructions":["a.md"],"model":"a/b"}', 'Be brief.')).toEqual({
    $schema,
    model: 'a/b',
    instructions: ['a.md', '~/.project-manager/rules.md'],
  });
  expect(configOf('{"instructions":[]}', ' ')).toEqual({ $schema, instructions: [] });
  expect(configOf('[]')).toEqual({ $schema });
  expect(configOf('{"__proto__":{"model":"a/b"}}')['model']).toBeUndefined();
});
