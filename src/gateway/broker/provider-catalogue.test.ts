import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, it } from 'vitest';

import { loadProviders } from './provider-catalogue.ts';

const folder = mkdtempSync(join(tmpdir(), 'providers-'));
afterAll(() => rmSync(folder, { recursive: true }));

const none = { providersFile: null, keys: null, keysFile: null };
function file(content: unknown): string {
  const path = join(folder, `${Math.random()}.json`);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

describe('the providers of the broker', () => {
  it('are the usual ones, without keys', () => {
    const { providers } = loadProviders(none).published(null);
    expect(providers.map(({ id, hasInstallationKey }) => [id, hasInstallationKey])).toEqual([
      ['anthropic', false],
      ['openai', false],
    ]);
  });

  it('have the keys of the variable and of the file', () => {
    const keysFile = file('# ours\nopenai = sk-2\n\n');
    const providers = loadProviders({ ...none, keys: 'anthropic=sk-ant=1', keysFile });
    expect([providers.keyOf('anthropic'), providers.keyOf('openai')]).toEqual(['sk-ant=1', 'sk-2']);
    expect(JSON.stringify(providers.published(null))).not.toContain('sk-');
  });

  it('and their keys may be in files that do not exist yet, but not in a folder that does not exist', () => {
    const missing = { ...none, keysFile: join(folder, 'later'), providersFile: join(folder, 'later.json') };
    expect(loadProviders(missing).published(5)).toMatchObject({ tokensPerDay: 5 });
    expect(() => loadProviders({ ...none, keysFile: join(folder, 'no', 'keys') })).toThrow(
      'MODEL_KEYS_FILE: the file cannot',
    );
  });

  it('can have another address, and more of them can be listed with prices', () => {
    const price = { input: 1, output: 2 };
    const own = {
      id: 'own',
      name: 'Own',
      kind: 'openai-compatible',
      baseUrl: 'https://llm.example/v1/',
      models: [{ id: 'm', price }],
    };
    const anthropic = { id: 'anthropic', name: 'Proxy', kind: 'anthropic', baseUrl: 'https://proxy.example' };
    const providers = loadProviders({ ...none, providersFile: file([own, anthropic]) });
    expect(providers.find('own')).toMatchObject({ baseUrl: 'https://llm.example/v1', models: [{ price }] });
    expect(providers.find('anthropic')?.name).toBe('Proxy');
    expect(JSON.stringify(providers.published(null))).not.toContain('example');
  });

  it.each([
    ['no JSON', 'MODEL_PROVIDERS_FILE: is not JSON.'],
    [[{ id: 'x', name: 'X', kind: 'openai-compatible', baseUrl: 'https://x.example' }], 'must list its models'],
    [[{ id: 'x', name: 'X', kind: 'openai', baseUrl: 'file:///etc/passwd' }], 'must be an http or https URL'],
    [[{ id: 'x', name: 'X', kind: 'openai', baseUrl: 'https://a:secret@x.example' }], 'must have no user name'],
    [[{ id: 'X/Y', name: 'X', kind: 'openai', baseUrl: 'https://x.example' }], 'This is not the id of a provider'],
  ])('of the file %j are refused in words', (content, message) => {
    expect(() => loadProviders({ ...none, providersFile: file(content) })).toThrow(message);
  });

  it.each(['anthropic', 'anthropic=', '=sk-secret', 'anthropic=sk-se cret', 'other=sk-secret'])(
    'refuse the keys %j without repeating them',
    (keys) => {
      expect(() => loadProviders({ ...none, keys })).toThrow(/^MODEL_KEYS: (?!.*secret)/);
    },
  );
});
