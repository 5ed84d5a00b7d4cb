/** docker-compose.yml: what can be said of it without Docker. */

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { loadYaml } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';

import { readServerConfig } from '../../src/server/config.ts';
import { readWorkerConfig } from '../../src/worker/config.ts';

interface Service {
  build?: { dockerfile: string; target?: string };
  environment?: Record<string, string>;
  command?: string[];
  depends_on?: Record<string, unknown>;
  volumes?: string[];
  network_mode?: string;
}

const root = new URL('../../', import.meta.url);
const text = (path: string) => readFileSync(new URL(path, root), 'utf8');
/** Anchors are resolved by the parser, merge keys are not. */
function merged(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(merged);
  if (typeof value !== 'object' || value === null) return value;
  const { '<<': base = {}, ...own } = value as Record<string, unknown>;
  return Object.fromEntries(Object.entries(Object.assign({}, base, own)).map(([key, each]) => [key, merged(each)]));
}
const { services, volumes } = merged(loadYaml(text('docker-compose.yml'))) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
};
/** As compose fills `${NAME:-default}` in where nothing is set. */
const filled = (value: string) => value.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1');
const environmentOf = (name: string) =>
  Object.fromEntries(Object.entries(services[name]?.environment ?? {}).map(([key, value]) => [key, filled(value)]));

describe('docker-compose.yml', () => {
  it('gives server and worker a configuration without a mistake', () => {
    expect(readServerConfig(environmentOf('server'))).toMatchObject({ publicUrl: 'http://localhost:3080' });
    expect(readWorkerConfig(environmentOf('worker'))).toMatchObject({ namespace: 'opencode' });
    expect(environmentOf('migrate')['DATABASE_URL']).toBe(environmentOf('server')['DATABASE_URL']);
  });

  it('names the stores as they are made: user, password, database, host', () => {
    const postgres = environmentOf('postgres');
    const { username, password, hostname, pathname } = new URL(environmentOf('server')['DATABASE_URL'] ?? '');
    expect([hostname, username, password, pathname]).toEqual([
      'postgres',
      postgres['POSTGRES_USER'],
      postgres['POSTGRES_PASSWORD'],
      `/${postgres['POSTGRES_DB']}`,
    ]);
    const redis = new URL(environmentOf('server')['REDIS_URL'] ?? '');
    const line = services['redis']?.command ?? [];
    expect([redis.hostname, redis.password]).toEqual(['redis', line[line.indexOf('--requirepass') + 1]]);
    expect(environmentOf('redis')['REDISCLI_AUTH']).toBe(redis.password);
    // What BullMQ asks for: nothing is thrown out, and a restart forgets nothing.
    expect(line.join(' ')).toMatch(/--appendonly yes --maxmemory-policy noeviction/);
  });

  it('knows the client as the realm of Keycloak has it', () => {
    const server = environmentOf('server');
    const realm = JSON.parse(text('k8s/keycloak/opencode-realm.json')) as {
      realm: string;
      clients: { clientId: string; secret?: string; redirectUris: string[] }[];
    };
    const client = realm.clients.find(({ clientId }) => clientId === server['OIDC_CLIENT_ID']);
    expect(client).toMatchObject({
      secret: server['OIDC_CLIENT_SECRET'],
      redirectUris: [`${server['PUBLIC_URL']}/auth/callback`],
    });
    const path = `/realms/${realm.realm}`;
    expect(new URL(server['OIDC_ISSUER'] ?? '').pathname).toBe(path);
    expect(new URL(server['OIDC_DISCOVERY_URL'] ?? '').pathname).toBe(`${path}/.well-known/openid-configuration`);
  });

  it('points at nothing that is not there: files, stages, programs, services, volumes', () => {
    for (const [name, service] of Object.entries(services)) {
      const { build, command = [], depends_on: needed = {}, volumes: mounts = [], network_mode: network } = service;
      if (build?.target !== undefined) expect(text(build.dockerfile)).toContain(` AS ${build.target}\n`);
      if (build?.target === undefined && build !== undefined) {
        expect(text('images/app/run')).toMatch(new RegExp(`\\b${command[0]}\\b`));
      }
      for (const program of command.filter((word) => word.endsWith('.ts'))) {
        expect(existsSync(fileURLToPath(new URL(program, root)))).toBe(true);
      }
      const others = [...Object.keys(needed), ...(network ? [network.replace('service:', '')] : [])];
      expect(Object.keys(services)).toEqual(expect.arrayContaining(others));
      for (const source of mounts.map((mount) => filled(mount).split(':')[0] ?? '')) {
        const isThere = source.startsWith('.') ? existsSync(new URL(source, root)) : source in volumes;
        expect([name, source, isThere]).toEqual([name, source, true]);
      }
    }
  });
});
