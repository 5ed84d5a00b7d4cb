/** What can be checked in docker-compose.yml without Docker. */

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
/** Applies merge keys (`<<`), which the parser leaves as they are; it resolves anchors. */
function merged(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(merged);
  if (typeof value !== 'object' || value === null) return value;
  const { '<<': base = {}, ...rest } = value as Record<string, unknown>;
  return Object.fromEntries(Object.entries(Object.assign({}, base, rest)).map(([key, each]) => [key, merged(each)]));
}
const { services, volumes } = merged(loadYaml(text('docker-compose.yml'))) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
};
/** Replaces `${NAME:-default}` by its default, as compose does when the variable is not set. */
const withDefaults = (value: string) => value.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1');
const environmentOf = (name: string) =>
  Object.fromEntries(
    Object.entries(services[name]?.environment ?? {}).map(([key, value]) => [key, withDefaults(value)]),
  );

describe('docker-compose.yml', () => {
  it('contains a configuration that server and worker accept', () => {
    expect(readServerConfig(environmentOf('server'))).toMatchObject({ publicUrl: 'http://localhost:3080' });
    expect(readWorkerConfig(environmentOf('worker'))).toMatchObject({ namespace: 'opencode' });
    expect(environmentOf('migrate')['DATABASE_URL']).toBe(environmentOf('server')['DATABASE_URL']);
  });

  it('gives programs the user, password, database and host with which the stores are created', () => {
    const postgres = environmentOf('postgres');
    const { username, password, hostname, pathname } = new URL(environmentOf('server')['DATABASE_URL'] ?? '');
    expect([hostname, username, password, pathname]).toEqual([
      'postgres',
      postgres['POSTGRES_USER'],
      postgres['POSTGRES_PASSWORD'],
      `/${postgres['POSTGRES_DB']}`,
    ]);
    const redis = new URL(environmentOf('server')['REDIS_URL'] ?? '');
    const command = services['redis']?.command ?? [];
    expect([redis.hostname, redis.password]).toEqual(['redis', command[command.indexOf('--requirepass') + 1]]);
    expect(environmentOf('redis')['REDISCLI_AUTH']).toBe(redis.password);
    // BullMQ requires that Redis evicts nothing. Append-only files keep the queue across restarts.
    expect(command.join(' ')).toMatch(/--appendonly yes --maxmemory-policy noeviction/);
  });

  it('configures the client as the realm of Keycloak defines it', () => {
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

  it('refers only to files, stages, programs, services and volumes that exist', () => {
    for (const [name, service] of Object.entries(services)) {
      const {
        build,
        command = [],
        depends_on: dependencies = {},
        volumes: mounts = [],
        network_mode: network,
      } = service;
      if (build?.target !== undefined) expect(text(build.dockerfile)).toContain(` AS ${build.target}\n`);
      if (build?.target === undefined && build !== undefined) {
        expect(text('images/app/run')).toMatch(new RegExp(`\\b${command[0]}\\b`));
      }
      for (const program of command.filter((argument) => argument.endsWith('.ts'))) {
        expect(existsSync(fileURLToPath(new URL(program, root)))).toBe(true);
      }
      const others = [...Object.keys(dependencies), ...(network ? [network.replace('service:', '')] : [])];
      expect(Object.keys(services)).toEqual(expect.arrayContaining(others));
      for (const source of mounts.map((mount) => withDefaults(mount).split(':')[0] ?? '')) {
        const exists = source.startsWith('.') ? existsSync(new URL(source, root)) : source in volumes;
        expect([name, source, exists]).toEqual([name, source, true]);
      }
    }
  });
});
