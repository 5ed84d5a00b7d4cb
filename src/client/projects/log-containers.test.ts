import { describe, expect, it } from 'vitest';

import { asLogContainer, hasPreviousRun, logContainersOf } from './log-containers.ts';

const container = { ready: true, state: 'running', reason: null, lastExit: null } as const;

describe('the containers with a log', () => {
  it('are the three containers and the init container, which depends on the repository', () => {
    expect(logContainersOf({ repoUrl: null })).toEqual([
      'opencode-server',
      'file-browser',
      'session-proxy',
      'prepare-workspace',
    ]);
    expect(logContainersOf({ repoUrl: 'https://example.org/team/repo' }).at(-1)).toBe('clone-repository');
  });

  it('do not include containers that the cluster has injected', () => {
    expect(asLogContainer('session-proxy')).toBe('session-proxy');
    expect(asLogContainer('istio-proxy')).toBeNull();
  });

  it('have a previous run only after a restart', () => {
    const containers = [
      { ...container, name: 'opencode-server', restarts: 2 },
      { ...container, name: 'file-browser', restarts: 0 },
    ];
    expect(hasPreviousRun({ containers }, 'opencode-server')).toBe(true);
    expect(hasPreviousRun({ containers }, 'file-browser')).toBe(false);
    expect(hasPreviousRun({ containers }, 'prepare-workspace')).toBe(false);
  });
});
