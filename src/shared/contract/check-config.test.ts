import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { checkConfig } from './check-config.ts';

const errorsOf = (config: unknown) =>
  Object.fromEntries(checkConfig(JSON.stringify(config)).errors.map(({ path, message }) => [path, message]));
const warnedPaths = (config: unknown) => checkConfig(JSON.stringify(config)).warnings.map(({ path }) => path);

describe('the check of a configuration', () => {
  it('accepts what OpenCode documents', () => {
    const config = {
      $schema: 'https://opencode.ai/config.json',
      model: 'anthropic/claude-sonnet-4-5',
      permission: { edit: 'ask', bash: { 'git *': 'allow', '*': 'ask' }, webfetch: 'deny' },
      instructions: ['CONTRIBUTING.md'],
      tools: { webfetch: false },
      mcp: {
        one: { type: 'local', command: ['npx', 'server'], enabled: true },
        two: { type: 'remote', url: 'https://mcp.example.test', enabled: false },
        three: { enabled: false },
      },
      plugin: ['a', ['b', { c: 1 }]],
      agent: { review: { mode: 'subagent', permission: 'deny', own: true } },
      autoupdate: 'notify',
    };
    expect(checkConfig(JSON.stringify(config))).toMatchObject({ errors: [], warnings: [], value: config });
    expect(checkConfig('  ')).toMatchObject({ errors: [], warnings: [], value: {} });
  });

  it('names the place of each error and says what to write', () => {
    expect(errorsOf({ model: 5, permission: { edit: 'maybe' }, subagent_depth: -1, autoupdate: 'yes' })).toEqual({
      model: 'Use a text in quotes.',
      'permission.edit': 'Use "ask", "allow", "deny" or an object in { }.',
      subagent_depth: 'Use 0 or more.',
      autoupdate: 'Use true or false or "notify".',
    });
    expect(errorsOf({ mcp: { one: { type: 'local', enabled: true }, two: { type: 'else' } } })).toEqual({
      'mcp.one': 'Add the field “command”.',
      'mcp.two': expect.any(String) as string,
    });
    expect(errorsOf({ permission: { bash: { 'git *': 'perhaps' } }, instructions: [1] })).toEqual({
      'permission.bash.git *': 'Use "ask", "allow" or "deny".',
      'instructions.0': 'Use a text in quotes.',
    });
  });

  it('says in which line the text is not JSON', () => {
    expect(checkConfig('{\n  "model": "a/b",\n  wrong\n}').errors[0]?.message).toContain('in line 3');
    expect(checkConfig('[]').errors).toHaveLength(1);
  });

  it('warns of fields that OpenCode would ignore, at every depth', () => {
    const config = { modell: 'a/b', watcher: { ignored: [] }, mcp: { one: { type: 'local', command: [], cmd: 1 } } };
    expect(errorsOf(config)).toEqual({});
    expect(warnedPaths(config)).toEqual(['modell', 'watcher.ignored', 'mcp.one.cmd']);
  });

  it('warns of secrets that are written down, and not of references to them', () => {
    const key = 'sk-proj-abcdefghijklmnop';
    const remote = { type: 'remote', url: 'https://mcp.example.test' };
    const config = (value: string) => ({
      provider: { openai: { options: { apiKey: value, baseURL: 'http://127.0.0.1:3002/llm/openai/v1' } } },
      mcp: { one: { ...remote, headers: { Authorization: value, 'X-Team': 'blue' }, oauth: { clientSecret: value } } },
    });
    expect(warnedPaths(config(key))).toEqual([
      'provider.openai.options.apiKey',
      'mcp.one.headers.Authorization',
      'mcp.one.oauth.clientSecret',
    ]);
    expect(warnedPaths(config('{env:MY_KEY}'))).toEqual([]);
    expect(
      warnedPaths({ mcp: { one: { type: 'local', command: ['x'], environment: { PAGER: 'cat', X: key } } } }),
    ).toEqual(['mcp.one.environment.X']);
  });

  it('warns of models without a provider and of files that may be missing', () => {
    expect(warnedPaths({ model: 'gpt', username: '{file:~/name}' })).toEqual(['model', 'username']);
  });

  it('ends for every JSON value, and finds no error without a place in it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
        const { errors, warnings } = checkConfig(JSON.stringify({ mcp: value, agent: value, permission: value }));
        expect(errors.length + warnings.length).toBeLessThanOrEqual(100);
        for (const { path } of errors) expect(path).toMatch(/^(mcp|agent|permission)/);
      }),
    );
    expect(checkConfig(`${'['.repeat(10_000)}${']'.repeat(10_000)}`).errors).toHaveLength(1);
    const deep = `{"username":${'['.repeat(30_000)}${']'.repeat(30_000)}}`;
    expect(checkConfig(deep).errors).toEqual([{ path: '', message: 'This is nested too deeply.' }]);
    expect(checkConfig('{"__proto__":{"model":1},"constructor":1}').errors).toEqual([]);
  });
});
