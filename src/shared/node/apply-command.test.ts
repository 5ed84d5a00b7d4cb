import { describe, expect, it } from 'vitest';

import { projectFixture } from '../../../tests/support/project-fixture.ts';
import type { ProjectCommand } from '../contract/commands.ts';
import { AppError } from '../contract/errors.ts';
import { projectCan, projectStatusSchema, type DesiredState, type ProjectStatus } from '../contract/states.ts';
import { activityOfCommand, applyCommand } from './apply-command.ts';
import type { ProjectRecord } from './db/project-record.ts';

const commands = Object.keys(activityOfCommand) as ProjectCommand[];

function record(overrides: Partial<ProjectRecord>): ProjectRecord {
  return {
    ...projectFixture(),
    seq: 1,
    idempotencyKey: null,
    podGeneration: 3,
    failedGeneration: null,
    podUid: null,
    podErrorCode: null,
    generation: 7,
    ...overrides,
  };
}

const failedPermanently = (desiredState: DesiredState) =>
  record({ status: 'error', desiredState, failedGeneration: 7, podError: 'No.', podErrorCode: 'forbidden' });

const now = '2026-01-01T12:00:00.000Z';

describe('a wish', () => {
  it('to stop keeps the pod generation and waits as stopping', () => {
    expect(applyCommand('stop', record({}), now)).toMatchObject({
      desiredState: 'stopped',
      status: 'stopping',
      reason: 'stopping',
      generation: 8,
    });
    expect(applyCommand('stop', record({}), now)).not.toHaveProperty('podGeneration');
  });

  it('to start a stopped project waits in the queue and needs no newer pod', () => {
    const patch = applyCommand('start', record({ status: 'stopped', desiredState: 'stopped' }), now);
    expect(patch).toMatchObject({ desiredState: 'running', status: 'initializing', reason: 'queued', generation: 8 });
    expect(patch).not.toHaveProperty('podGeneration');
  });

  it('to restart asks for a pod of the new generation', () => {
    expect(applyCommand('restart', record({}), now)).toMatchObject({
      generation: 8,
      podGeneration: 8,
      status: 'initializing',
    });
  });

  it('to start after a failure asks for a pod of the new generation', () => {
    expect(applyCommand('start', failedPermanently('running'), now)).toMatchObject({ generation: 8, podGeneration: 8 });
  });

  it.each([
    ['running', { status: 'initializing', podGeneration: 8 }],
    ['stopped', { status: 'stopping' }],
    ['deleted', { status: 'deleting' }],
  ] as const)('to retry goes on towards %s', (desiredState, expected) => {
    expect(applyCommand('retry', failedPermanently(desiredState), now)).toMatchObject({
      desiredState,
      generation: 8,
      ...expected,
    });
  });

  it('forgets the failure and the parking of the attempts before, whatever it is', () => {
    for (const command of commands) {
      expect(applyCommand(command, failedPermanently('running'), now)).toMatchObject({
        failedGeneration: null,
        podError: null,
        podErrorCode: null,
      });
    }
  });

  it('is legal exactly where projectCan says so, in every state', () => {
    const statuses: ProjectStatus[] = projectStatusSchema.options;
    const desiredStates: DesiredState[] = ['running', 'stopped', 'deleted'];
    for (const command of commands) {
      for (const status of statuses) {
        for (const desiredState of desiredStates) {
          const before = record({ status, desiredState });
          const permission = projectCan(command, before);
          if (permission.kind === 'no') {
            expect(() => applyCommand(command, before, now)).toThrow(new AppError('ILLEGAL_STATE', permission.message));
          } else {
            expect(applyCommand(command, before, now) === null).toBe(permission.kind === 'already');
          }
        }
      }
    }
  });
});
