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

describe('a container in words', () => {
  it('is ready only when it runs and says so itself', () => {
    expect(containerState({ ...container, state: 'running', ready: true })).toEqual({ label: 'Ready', tone: 'ok' });
    expect(containerState({ ...container, state: 'running' }).tone).toBe('wait');
  });

  it('is in order while it is being created, and in trouble for every other reason to wait', () => {
    expect(containerState({ ...container, reason: 'ContainerCreating' }).tone).toBe('wait');
    expect(containerState({ ...container, reason: 'CrashLoopBackOff' })).toEqual({
      label: 'Waiting: CrashLoopBackOff',
      tone: 'bad',
    });
  });

  it('has ended well or badly', () => {
    expect(containerState({ ...container, state: 'terminated', reason: 'Completed' }).tone).toBe('idle');
    expect(containerState({ ...container, state: 'terminated', reason: 'OOMKilled' }).tone).toBe('bad');
  });

  it('has a purpose only when it is one of ours', () => {
    expect(containerPurpose('file-browser')).toBe('Files · port 3001');
    expect(containerPurpose('constructor')).toBeNull();
  });
});
