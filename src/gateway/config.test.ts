import { describe, expect, it } from 'vitest';

import { readGatewayConfig } from './config.ts';

const complete = {
  DATABASE_URL: 'postgresql://host/db',
  REDIS_URL: 'redis://host',
  SESSION_SECRET: 's'.repeat(32),
  ACCESS_SECRET: 'a'.repeat(32),
  PUBLIC_URL: 'https://opencode.example.com',
  WORKSPACE_DOMAIN: 'workspaces.example.com',
};

describe('the configuration of the gateway', () => {
  it('gives projects the scheme of the product, and the port of their domain', () => {
    const urlOf = (changes: Partial<typeof complete>) => readGatewayConfig({ ...complete, ...changes }).workspaceUrl;
    expect(urlOf({})).toBe('https://workspaces.example.com');
    expect(urlOf({ WORKSPACE_DOMAIN: 'Workspaces.Example.com:8443' })).toBe('https://workspaces.example.com:8443');
    expect(urlOf({ PUBLIC_URL: 'http://localhost:3080', WORKSPACE_DOMAIN: 'localhost:3080' })).toBe(
      'http://localhost:3080',
    );
  });

  it.each([
    ['the host of the product', 'opencode.example.com'],
    ['above the product', 'example.com'],
    ['below the product', 'workspaces.opencode.example.com'],
    ['a URL', 'https://workspaces.example.com'],
    ['a path', 'workspaces.example.com/projects'],
    ['no port that exists', 'workspaces.example.com:99999'],
    ['a wildcard', '*.example.com'],
  ])('refuses a domain of projects that is %s', (_what, domain) => {
    expect(() => readGatewayConfig({ ...complete, WORKSPACE_DOMAIN: domain })).toThrow(/WORKSPACE_DOMAIN: (must|has)/);
  });

  it('takes a proxy for providers of models, and repeats no password of a wrong one', () => {
    const HTTPS_PROXY = 'http://me:secret@proxy.example.com:3128';
    const { broker } = readGatewayConfig({ ...complete, HTTPS_PROXY, NO_PROXY: '*.internal' });
    expect(broker.proxy).toEqual({ https: HTTPS_PROXY, http: undefined, without: '*.internal' });
    const read = () => readGatewayConfig({ ...complete, HTTPS_PROXY: 'socks5://me:secret@proxy:1080' });
    expect(read).toThrow(/^(?=[^]*HTTPS_PROXY: must be a URL)(?![^]*secret@)/);
  });

  it('requires the secrets and both addresses', () => {
    expect(() => readGatewayConfig({})).toThrow(
      /DATABASE_URL[^]*REDIS_URL[^]*ACCESS_SECRET: is not set[^]*PUBLIC_URL: is not set[^]*SESSION_SECRET[^]*WORKSPACE_DOMAIN: is not set/,
    );
  });
});
