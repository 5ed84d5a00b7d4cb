import { describe, expect, it } from 'vitest';

import type { ContainerSummary } from '../../shared/contract/project.ts';
import { containerPurpose, containerState } from './container-labels.ts';

const container: ContainerSummary = {
  name: 'opencode-server',
  ready: false,
  state: 'waiting',
  reason: null,
  restarts: 0,
  lastExit: null,
};

describe('the state of a container', () => {
  it('is Ready only for a running container that Kubernetes reports as ready', () => {
    expect(containerState({ ...container, state: 'running', ready: true })).toEqual({ label: 'Ready', tone: 'ok' });
    expect(containerState({ ...container, state: 'running' }).tone).toBe('wait');
  });

  it('is bad for every waiting reason that is not part of a normal start', () => {
    expect(containerState({ ...container, reason: 'ContainerCreating' }).tone).toBe('wait');
    expect(containerState({ ...container, reason: 'CrashLoopBackOff' })).toEqual({
      label: 'Waiting: CrashLoopBackOff',
      tone: 'bad',
    });
  });

  it('is bad for a container that did not end with Completed', () => {
    expect(containerState({ ...container, state: 'terminated', reason: 'Completed' }).tone).toBe('idle');
    expect(containerState({ ...container, state: 'terminated', reason: 'OOMKilled' }).tone).toBe('bad');
  });

  it('comes with a purpose for our own containers only', () => {
    expect(containerPurpose('file-browser')).toBe('Files · port 3001');
    expect(containerPurpose('constructor')).toBeNull();
  });
});
