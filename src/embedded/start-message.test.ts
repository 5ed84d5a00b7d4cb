import { describe, expect, it } from 'vitest';

import { startMessage, type StartFacts } from './start-message.ts';

const facts: StartFacts = {
  dataDir: '/data',
  publicUrl: 'http://localhost:3080',
  seconds: 2.34,
  postgres: { version: 'PostgreSQL 18.4' },
  redis: { source: 'redis-server 7.0.15 from the path' },
  kubernetes: { runtime: { kind: 'sandbox' } },
  availableMemory: 1.7 * 1024 ** 3,
  issuer: { url: 'http://127.0.0.1:4000' },
  userNames: ['user-a', 'user-b'],
};

describe('the lines that npm start prints', () => {
  it('say where everything is and who can sign in', () => {
    const text = startMessage(facts);
    expect(text).toContain('PostgreSQL  embedded (PostgreSQL 18.4)');
    expect(text).toContain('kubectl     export KUBECONFIG=/data/kubeconfig');
    expect(text).toContain('Ready after 2.3 s at http://localhost:3080');
    expect(text).toContain('Sign in as user-a, user-b. The password is the user name.');
  });

  it('say how pods run: in sandboxes, as plain processes, or simulated and why', () => {
    const pods = (runtime: NonNullable<StartFacts['kubernetes']>['runtime']) =>
      /Kubernetes  embedded \((.*)\)/.exec(startMessage({ ...facts, kubernetes: { runtime } }))?.[1];
    expect(pods({ kind: 'sandbox' })).toBe('pods run as sandboxed processes; about 4 fit into the memory');
    expect(pods({ kind: 'process' })).toBe('pods run as plain processes: agents can read your files');
    expect(pods({ kind: 'simulated', reason: 'only Linux has a loopback address for each pod' })).toBe(
      'pods are simulated, because only Linux has a loopback address for each pod',
    );
  });

  it('name the variable of each real service, and no development users with a real issuer', () => {
    const text = startMessage({ ...facts, postgres: null, redis: null, kubernetes: null, issuer: null });
    for (const variable of ['DATABASE_URL', 'REDIS_URL', 'KUBECONFIG', 'OIDC_ISSUER']) {
      expect(text).toContain(`from ${variable}`);
    }
    expect(text).not.toContain('kubectl');
    expect(text).not.toContain('user-a');
  });
});
