import { describe, expect, it } from 'vitest';

import { fakeProject } from '../../../tests/support/project-fixture.ts';
import { AppError } from '../../shared/contract/errors.ts';
import {
  projectCan,
  projectStatusSchema,
  type DesiredState,
  type ProjectStatus,
} from '../../shared/contract/states.ts';
import type { Wish } from '../../shared/contract/wishes.ts';
import type { ProjectRecord } from '../../shared/node/db/project-record.ts';
import { activityOfWish, applyWish } from './apply-wish.ts';

const wishes = Object.keys(activityOfWish) as Wish[];

function record(overrides: Partial<ProjectRecord>): ProjectRecord {
  return {
    ...fakeProject(),
    seq: 1,
    requestId: null,
    podGeneration: 3,
    parkedGeneration: null,
    podUid: null,
    podErrorCode: null,
    generation: 7,
    ...overrides,
  };
}

const parked = (desiredState: DesiredState) =>
  record({ status: 'error', desiredState, parkedGeneration: 7, podError: 'No.', podErrorCode: 'forbidden' });

const now = '2026-01-01T12:00:00.000Z';

describe('a wish', () => {
  it('to stop keeps the pod generation and waits as stopping', () => {
    expect(applyWish('stop', record({}), now)).toMatchObject({
      desiredState: 'stopped',
      status: 'stopping',
      reason: 'stopping',
      generation: 8,
    });
    expect(applyWish('stop', record({}), now)).not.toHaveProperty('podGeneration');
  });

  it('to start a stopped project waits in the queue and needs no newer pod', () => {
    const patch = applyWish('start', record({ status: 'stopped', desiredState: 'stopped' }), now);
    expect(patch).toMatchObject({ desiredState: 'running', status: 'initializing', reason: 'queued', generation: 8 });
    expect(patch).not.toHaveProperty('podGeneration');
  });

  it('to restart asks for a pod of the new generation', () => {
    expect(applyWish('restart', record({}), now)).toMatchObject({
      generation: 8,
      podGeneration: 8,
      status: 'initializing',
    });
  });

  it('to start after a failure asks for a pod of the new generation', () => {
    expect(applyWish('start', parked('running'), now)).toMatchObject({ generation: 8, podGeneration: 8 });
  });

  it.each([
    ['running', { status: 'initializing', podGeneration: 8 }],
    ['stopped', { status: 'stopping' }],
    ['deleted', { status: 'deleting' }],
  ] as const)('to retry goes on towards %s', (desiredState, expected) => {
    expect(applyWish('retry', parked(desiredState), now)).toMatchObject({ desiredState, generation: 8, ...expected });
  });

  it('forgets the failure and the parking of the attempts before, whatever it is', () => {
    for (const wish of wishes) {
      expect(applyWish(wish, parked('running'), now)).toMatchObject({
        parkedGeneration: null,
        podError: null,
        podErrorCode: null,
      });
    }
  });

  it('is legal exactly where projectCan says so, in every state', () => {
    const statuses: ProjectStatus[] = projectStatusSchema.options;
    const desiredStates: DesiredState[] = ['running', 'stopped', 'deleted'];
    for (const wish of wishes) {
      for (const status of statuses) {
        for (const desiredState of desiredStates) {
          const before = record({ status, desiredState });
          const permission = projectCan(wish, before);
          if (permission.kind === 'no') {
            expect(() => applyWish(wish, before, now)).toThrow(new AppError('ILLEGAL_STATE', permission.sentence));
          } else {
            expect(applyWish(wish, before, now) === null).toBe(permission.kind === 'already');
          }
        }
      }
    }
  });
});
