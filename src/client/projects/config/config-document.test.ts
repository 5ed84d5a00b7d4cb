import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  linesOf,
  patternsOf,
  permissionOf,
  serversOf,
  splitCommand,
  textAt,
  withPermission,
  withValue,
} from './config-document.ts';

const parsed = (text: string) => JSON.parse(text) as Record<string, unknown>;

describe('the form of a configuration', () => {
  it('changes one field, and keeps all others and their order', () => {
    const document = { theme: 'x', model: 'a/b', mcp: { one: { enabled: true } } };
    expect(withValue(document, ['model'], 'c/d')).toBe(
      `${JSON.stringify({ theme: 'x', model: 'c/d', mcp: { one: { enabled: true } } }, null, 2)}\n`,
    );
    expect(parsed(withValue(document, ['mcp', 'one'], undefined))).toEqual({ theme: 'x', model: 'a/b' });
    expect(parsed(withValue({}, ['a', 'b'], 1))).toEqual({ a: { b: 1 } });
    expect(withValue({ a: 1 }, ['a'], undefined)).toBe('{}\n');
    expect(textAt(document, 'model')).toBe('a/b');
    expect(textAt({ model: 5 }, 'model')).toBe('');
  });

  it('reads permissions with and without patterns', () => {
    const document = { permission: { edit: 'ask', bash: { '*': 'deny', 'git *': 'allow' } } };
    expect([
      permissionOf(document, 'edit'),
      permissionOf(document, 'bash'),
      permissionOf(document, 'webfetch'),
    ]).toEqual(['ask', 'deny', null]);
    expect(patternsOf(document, 'bash')).toEqual([{ pattern: 'git *', action: 'allow' }]);
    expect(permissionOf({ permission: 'deny' }, 'webfetch')).toBe('deny');
  });

  it('writes permissions so that the last pattern that fits decides', () => {
    const patterns = [
      { pattern: ' git * ', action: 'allow' },
      { pattern: 'git push *', action: 'deny' },
      { pattern: '', action: 'ask' },
    ] as const;
    const text = withPermission({ permission: { edit: 'ask' } }, 'bash', { action: 'ask', patterns });
    expect(Object.entries(parsed(text)['permission'] as object)).toEqual([
      ['edit', 'ask'],
      ['bash', { '*': 'ask', 'git *': 'allow', 'git push *': 'deny' }],
    ]);
    expect(parsed(withPermission(parsed(text), 'bash', { action: null, patterns: [] }))).toEqual({
      permission: { edit: 'ask' },
    });
    expect(parsed(withPermission({ permission: 'deny' }, 'edit', { action: 'allow', patterns: [] }))).toEqual({
      permission: { '*': 'deny', edit: 'allow', bash: 'deny', webfetch: 'deny' },
    });
  });

  it('lists MCP servers of every kind', () => {
    const mcp = {
      one: { type: 'local', command: ['npx', '-y', 'a b'] },
      two: { type: 'remote', url: 'https://x.test', enabled: false },
      three: { enabled: true },
    };
    expect(serversOf({ mcp })).toEqual([
      { name: 'one', isEnabled: true, kind: 'local', target: 'npx -y "a b"' },
      { name: 'two', isEnabled: false, kind: 'remote', target: 'https://x.test' },
      { name: 'three', isEnabled: true, kind: null, target: '' },
    ]);
  });

  it('reads back each command that it shows', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1 })), (command) => {
        const [server] = serversOf({ mcp: { one: { type: 'local', command } } });
        expect(splitCommand(server?.target ?? '')).toEqual(command);
      }),
    );
    expect(splitCommand(`npx 'a b' "c d" e`)).toEqual(['npx', 'a b', 'c d', 'e']);
    expect(linesOf(' a \n\n b')).toEqual(['a', 'b']);
  });
});
