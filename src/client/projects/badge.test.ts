import { describe, expect, it } from 'vitest';

import type { Project } from '../../shared/contract/project.ts';
import { badgeOf, needsAttention, shortLine, statusLine } from './badge.ts';

type State = Pick<Project, 'status' | 'phase' | 'reason'>;

describe('the badge', () => {
  it.each<[string, State, string]>([
    ['Queued', { status: 'initializing', phase: null, reason: 'queued' }, 'wait'],
    ['Pending', { status: 'initializing', phase: 'Pending', reason: 'creating' }, 'wait'],
    ['Pending', { status: 'initializing', phase: 'Pending', reason: 'image-not-found' }, 'wait'],
    ['Starting', { status: 'initializing', phase: 'Running', reason: 'starting' }, 'wait'],
    ['Failing', { status: 'initializing', phase: 'Running', reason: 'crash-loop' }, 'bad'],
    ['Running', { status: 'ready', phase: 'Running', reason: 'ready' }, 'ok'],
    ['Running', { status: 'ready', phase: 'Running', reason: 'clone-failed' }, 'wait'],
    ['Failed', { status: 'error', phase: 'Failed', reason: 'pod-failed' }, 'bad'],
    ['Error', { status: 'error', phase: null, reason: 'quota-exceeded' }, 'bad'],
    ['Completed', { status: 'error', phase: 'Succeeded', reason: 'completed' }, 'done'],
    ['Stopping', { status: 'stopping', phase: 'Running', reason: 'stopping' }, 'idle'],
    ['Stopped', { status: 'stopped', phase: null, reason: 'stopped' }, 'idle'],
    ['In the trash', { status: 'stopped', phase: null, reason: 'trashed' }, 'idle'],
    ['Deleting', { status: 'deleting', phase: 'Running', reason: 'deleting' }, 'idle'],
    ['Deleted', { status: 'archived', phase: null, reason: 'archived' }, 'idle'],
  ])('reads %s for %j', (label, state, tone) => {
    expect(badgeOf(state)).toMatchObject({ label, tone });
  });

  it('never reads Running before every container is ready', () => {
    for (const phase of ['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown', null] as const) {
      expect(badgeOf({ status: 'initializing', phase, reason: null }).label).not.toBe('Running');
    }
  });

  it('needs attention for errors, and for what somebody has to fix in a start or in a project that runs', () => {
    const ready = { actor: 'owner', status: 'ready', phase: 'Running' } as const;
    expect(needsAttention({ ...ready, reason: 'clone-failed' })).toBe(true);
    expect(needsAttention({ ...ready, reason: 'ready' })).toBe(false);
    expect(needsAttention({ actor: 'owner', status: 'error', phase: null, reason: null })).toBe(true);
    expect(needsAttention({ actor: 'owner', status: 'initializing', phase: 'Pending', reason: 'image-denied' })).toBe(
      true,
    );
    expect(needsAttention({ actor: 'owner', status: 'initializing', phase: 'Pending', reason: 'creating' })).toBe(
      false,
    );
    expect(needsAttention({ actor: 'nobody', status: 'initializing', phase: 'Pending', reason: 'multi-attach' })).toBe(
      false,
    );
    expect(needsAttention({ actor: 'owner', status: 'error', phase: 'Succeeded', reason: 'completed' })).toBe(false);
    expect(needsAttention({ actor: 'owner', status: 'ready', phase: 'Running', reason: 'ready' })).toBe(false);
  });
});

describe('the status line', () => {
  const project = { status: 'ready', message: null, podError: null, containers: [] } satisfies Parameters<
    typeof statusLine
  >[0];

  it('is the message of the server when there is one', () => {
    expect(statusLine({ ...project, message: 'All 3 containers are ready.' })).toBe('All 3 containers are ready.');
  });

  it('is the last failure in the status error', () => {
    const failed = {
      ...project,
      status: 'error' as const,
      message: 'Attempts ran out.',
      podError: 'The quota is used up.',
    };
    expect(statusLine(failed)).toBe('The quota is used up.');
  });

  it('is never empty, in any status', () => {
    for (const status of ['initializing', 'ready', 'stopping', 'stopped', 'error', 'deleting', 'archived'] as const) {
      expect(statusLine({ ...project, status })).not.toBe('');
    }
  });
});

describe('the short line of a card', () => {
  const step = { done: null, total: null, startedAt: null, finishedAt: null, state: 'waiting' } as const;
  const starting = {
    status: 'initializing',
    phase: 'Pending',
    reason: 'image-pulling-slow',
    actor: 'nobody',
    message: 'The images are being pulled.',
    podError: null,
    containers: [],
    progress: {
      startedAt: '2026-01-01T12:00:00.000Z',
      readyAt: null,
      steps: [
        { ...step, name: 'queued', state: 'done' },
        { ...step, name: 'images', state: 'active', done: 1, total: 3 },
      ],
    },
  } satisfies Parameters<typeof shortLine>[0];

  it('is the current step of a start without a failure', () => {
    expect(shortLine(starting)).toBe('Images 1/3');
    expect(shortLine({ ...starting, progress: null })).toBe('The images are being pulled.');
  });

  it('says that the repository is being cloned instead of naming the step', () => {
    expect(shortLine({ ...starting, reason: 'cloning' })).toBe('Cloning the repository');
  });

  it('is the title of a failure, in a start, in the status error and for a running project', () => {
    expect(shortLine({ ...starting, reason: 'image-denied', actor: 'administrator' })).toBe('Image denied');
    expect(shortLine({ ...starting, status: 'error', reason: 'out-of-memory', actor: 'owner' })).toBe('Out of memory');
    const ready = { ...starting, status: 'ready', phase: 'Running' } as const;
    expect(shortLine({ ...ready, reason: 'clone-failed', actor: 'owner' })).toBe('Repository not cloned');
    expect(shortLine({ ...ready, reason: 'ready', message: 'All 3 containers are ready.' })).toBe(
      'All 3 containers are ready.',
    );
  });
});
