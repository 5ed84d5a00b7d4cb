import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

import { afterAll, describe, expect, it } from 'vitest';

import { loadKubeConfig, loginProgramProvider, tokenFileProvider } from './kubeconfig.ts';

const folder = mkdtempSync(join(tmpdir(), 'opencode-kubeconfig-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function write(text: string): string {
  const path = join(folder, `config-${++files}`);
  writeFileSync(path, text);
  return path;
}

const configOf = (name: string, user: object, current: string | null = name) =>
  write(
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      ...(current === null ? {} : { 'current-context': current }),
      clusters: [
        { name: 'shared', cluster: { server: `https://${name}.example.com`, 'certificate-authority': 'ca.crt' } },
      ],
      users: [{ name: `user-${name}`, user }],
      contexts: [{ name, context: { cluster: 'shared', user: `user-${name}` } }],
    }),
  );

describe('loadKubeConfig', () => {
  it('merges several files as kubectl does: the first one that names something counts, and missing files are ignored', () => {
    const paths = [configOf('one', { token: 'first' }, null), '/nowhere', configOf('two', { token: 'second' })];
    const config = loadKubeConfig(paths.join(delimiter));
    expect(config.getCurrentContext()).toBe('two');
    expect(config.getCurrentUser()?.token).toBe('second');
    expect(config.getCurrentCluster()).toMatchObject({
      server: 'https://one.example.com',
      caFile: join(folder, 'ca.crt'),
    });
  });

  it.each([{ tokenFile: 'token' }, { 'auth-provider': { name: 'any', config: { tokenFile: join(folder, 'token') } } }])(
    'finds the token file of the user %j, beside the kubeconfig',
    (user) => {
      const { authProvider } = loadKubeConfig(configOf('file', user)).getCurrentUser() ?? {};
      expect(authProvider).toEqual({ name: tokenFileProvider, config: { path: join(folder, 'token') } });
    },
  );

  it('finds a login program beside the kubeconfig, or in the path', () => {
    const programOf = (command: string) =>
      loadKubeConfig(configOf('program', { exec: { command } })).getCurrentUser()?.authProvider;
    expect(programOf('./login')).toMatchObject({
      name: loginProgramProvider,
      config: { command: join(folder, 'login') },
    });
    expect(programOf('aws')).toMatchObject({ config: { command: 'aws' } });
  });

  it('says which file is wrong, without quoting it', () => {
    const path = write('users: [{ token: secret-token');
    expect(() => loadKubeConfig(path)).toThrow(path);
    expect(() => loadKubeConfig(path)).not.toThrow(/secret-token/);
    expect(() => loadKubeConfig('/nowhere')).toThrow(/names no file that exists: \/nowhere/);
  });
});
