import { describe, expect, it } from 'vitest';

import { readServerConfig } from './config.ts';

const minimal = {
  DATABASE_URL: 'postgresql://localhost/app',
  REDIS_URL: 'redis://localhost:6379',
  OIDC_ISSUER: 'https://issuer.test/realm',
  OIDC_CLIENT_ID: 'app',
  SESSION_SECRET: 'x'.repeat(32),
};

describe('the configuration of the server', () => {
  it('has defaults for everything except secrets and addresses', () => {
    expect(readServerConfig(minimal)).toMatchObject({
      port: 3080,
      host: '0.0.0.0',
      publicUrl: null,
      kubeNamespace: 'opencode',
      maxProjectsPerUser: 20,
      oidc: { clientSecret: null, audience: 'app' },
    });
  });

  it('reads PUBLIC_URL as an origin', () => {
    expect(readServerConfig({ ...minimal, PUBLIC_URL: 'https://app.test/' }).publicUrl).toBe('https://app.test');
    const withPath = { ...minimal, PUBLIC_URL: 'https://app.test/prefix' };
    expect(() => readServerConfig(withPath)).toThrow(/PUBLIC_URL: .* without a path/);
  });

  it('refuses a "#" in every URL, reports it together with a wrong domain, and accepts IPv6 addresses', () => {
    const wrong = {
      PUBLIC_URL: 'https://app.test/#x',
      OIDC_ISSUER: 'https://issuer.test/#x',
      REDIS_URL: 'redis://h/#1',
    };
    expect(() => readServerConfig({ ...minimal, ...wrong })).toThrow(/REDIS_URL[^]*PUBLIC_URL[^]*OIDC_ISSUER/);
    const domain = { PUBLIC_URL: 'https://app.test', WORKSPACE_DOMAIN: 'p.app.test', PORT: '99999' };
    expect(() => readServerConfig({ ...minimal, ...domain })).toThrow(/PORT[^]*WORKSPACE_DOMAIN/);
    const addresses = {
      DATABASE_URL: 'postgresql://[::1]/app',
      REDIS_URL: 'redis://[::1]',
      PUBLIC_URL: 'http://[::1]:3080',
      OIDC_ISSUER: 'https://[2001:db8::1]/realm',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://[::1]:4318',
      HOST: '[::1]',
    };
    expect(readServerConfig({ ...minimal, ...addresses })).toMatchObject({
      publicUrl: 'http://[::1]:3080',
      host: '::1',
    });
  });

  it('reports every wrong variable at once, without its value', () => {
    const wrong = {
      ...minimal,
      DATABASE_URL: 'mysql://x',
      PORT: '99999',
      SESSION_SECRET: 'too-short',
      OIDC_ISSUER: '',
    };
    expect(() => readServerConfig({ ...wrong, PUBLIC_URL: 'https://app.test/path' })).toThrow(
      /DATABASE_URL[^]*PORT[^]*PUBLIC_URL[^]*OIDC_ISSUER[^]*SESSION_SECRET/,
    );
    expect(() => readServerConfig(wrong)).not.toThrow(/too-short/);
  });
});
