import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

import { afterAll, describe, expect, it } from 'vitest';

import { loadSecrets, readEmbeddedConfig } from './embedded-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'opencode-secrets-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('the secrets of the embedded mode', () => {
  it('are created once, for the owner of the file only', () => {
    const dataDir = join(folder, 'new');
    const secrets = loadSecrets(dataDir);
    expect(new Set(Object.values(secrets)).size).toBe(4);
    expect(loadSecrets(dataDir)).toEqual(secrets);
    expect(statSync(join(dataDir, 'secrets.json')).mode & 0o777).toBe(0o600);
  });

  it('of an older version are kept, and get what they lack', () => {
    const path = join(folder, 'secrets.json');
    const old = { sessionSecret: 's'.repeat(32), clientSecret: 'c'.repeat(32) };
    writeFileSync(path, JSON.stringify(old));
    const secrets = loadSecrets(folder);
    const created = expect.stringMatching(/^[\w-]{43}$/) as string;
    expect(secrets).toEqual({ ...old, accessSecret: created, keyEncryptionSecret: created });
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(secrets);
  });
});

describe('the origins of projects in the embedded mode', () => {
  const originsOf = (env: Record<string, string>) => {
    const { PUBLIC_URL, WORKSPACE_DOMAIN } = readEmbeddedConfig(env).env;
    return [PUBLIC_URL, WORKSPACE_DOMAIN];
  };

  it('are below localhost, at the port of the product', () => {
    expect(originsOf({})).toEqual(['http://localhost:3080', 'localhost:3080']);
    expect(originsOf({ PORT: '4000' })).toEqual(['http://localhost:4000', 'localhost:4000']);
    // Vite's dev server passes requests on, but not those of projects.
    expect(originsOf({ PUBLIC_URL: 'http://localhost:5173' })).toEqual(['http://localhost:5173', 'localhost:3080']);
  });

  it('at another address are those that WORKSPACE_DOMAIN names', () => {
    const PUBLIC_URL = 'https://opencode.example.com';
    expect(originsOf({ PUBLIC_URL })).toEqual([PUBLIC_URL, undefined]);
    expect(originsOf({ PUBLIC_URL, WORKSPACE_DOMAIN: 'workspaces.example.com' })).toEqual([
      PUBLIC_URL,
      'workspaces.example.com',
    ]);
  });
});

describe('the configuration of npm start', () => {
  it('embeds Kubernetes when KUBECONFIG is what an earlier start has printed', () => {
    const config = readEmbeddedConfig({ DATA_DIR: folder, KUBECONFIG: join(folder, 'kubeconfig') });
    expect(config.embed.kubernetes).toBe(true);
    expect(config.env).not.toHaveProperty('KUBECONFIG');
  });

  it('accepts several files in KUBECONFIG, of which one exists', () => {
    const path = join(folder, 'of a cluster');
    writeFileSync(path, '');
    expect(readEmbeddedConfig({ KUBECONFIG: `/nowhere${delimiter}${path}` }).embed.kubernetes).toBe(false);
    expect(() => readEmbeddedConfig({ KUBECONFIG: '/nowhere' })).toThrow(/KUBECONFIG/);
  });

  it('gives OpenCode its own variables, and neither ours nor a password', () => {
    const { openCodeEnv } = readEmbeddedConfig({
      OPENCODE_DISABLE_MODELS_FETCH: '1',
      OPENCODE_SERVER_PASSWORD: 'of the developer',
      OPENCODE_MEMORY_LIMIT: '2Gi',
      PATH: '/usr/bin',
    });
    expect(openCodeEnv).toEqual({ OPENCODE_DISABLE_MODELS_FETCH: '1' });
  });

  it('refuses a runtime that does not exist', () => {
    expect(readEmbeddedConfig({ EMBEDDED_RUNTIME: 'process' }).runtime).toBe('process');
    expect(readEmbeddedConfig({}).runtime).toBeUndefined();
    expect(() => readEmbeddedConfig({ EMBEDDED_RUNTIME: 'docker' })).toThrow(/EMBEDDED_RUNTIME/);
  });
});
