import { describe, expect, it } from 'vitest';

import { recordFixture } from '../../../tests/support/project-fixture.ts';
import type { ProjectCommand } from '../contract/commands.ts';
import { AppError } from '../contract/errors.ts';
import { projectCan, projectStatusSchema, type DesiredState, type ProjectStatus } from '../contract/states.ts';
import { activityOfCommand, applyCommand } from './apply-command.ts';
import type { ProjectRecord } from './db/project-record.ts';

const commands = Object.keys(activityOfCommand) as ProjectCommand[];

const record = (overrides: Partial<ProjectRecord>): ProjectRecord =>
  recordFixture({ status: 'ready', phase: 'Running', reason: 'ready', podGeneration: 3, generation: 7, ...overrides });

const failedPermanently = (desiredState: DesiredState) =>
  record({ status: 'error', desiredState, failedGeneration: 7, podError: 'No.', podErrorCode: 'forbidden' });

const now = '2026-01-01T12:00:00.000Z';

describe('applyCommand', () => {
  it('stops a project without a new pod generation', () => {
    expect(applyCommand('stop', record({}), now)).toMatchObject({
      desiredState: 'stopped',
      status: 'stopping',
      reason: 'stopping',
      generation: 8,
    });
    expect(applyCommand('stop', record({}), now)).not.toHaveProperty('podGeneration');
  });

  it('starts a stopped project without a new pod generation', () => {
    const patch = applyCommand('start', record({ status: 'stopped', desiredState: 'stopped' }), now);
    expect(patch).toMatchObject({ desiredState: 'running', status: 'initializing', reason: 'queued', generation: 8 });
    expect(patch).not.toHaveProperty('podGeneration');
  });

  it('requires a pod of the new generation after a restart', () => {
    expect(applyCommand('restart', record({}), now)).toMatchObject({
      generation: 8,
      podGeneration: 8,
      status: 'initializing',
    });
  });

  it('requires a pod of the new generation after a start that follows a failure', () => {
    expect(applyCommand('start', failedPermanently('running'), now)).toMatchObject({ generation: 8, podGeneration: 8 });
  });

  it.each([
    ['running', { status: 'initializing', podGeneration: 8 }],
    ['stopped', { status: 'stopping' }],
    ['deleted', { status: 'deleting' }],
  ] as const)('retries the desired state %s', (desiredState, expected) => {
    expect(applyCommand('retry', failedPermanently(desiredState), now)).toMatchObject({
      desiredState,
      generation: 8,
      ...expected,
    });
  });

  it('moves a project to the trash as a stop does, and its time there begins at zero', () => {
    expect(applyCommand('trash', record({ trashSeconds: 99 }), now)).toMatchObject({
      desiredState: 'stopped',
      status: 'stopping',
      trashedAt: now,
      trashSeconds: 0,
      generation: 8,
    });
  });

  it('restores a project without touching the cluster once its pod is gone', () => {
    const trashed = { desiredState: 'stopped', trashedAt: now, trashDaysLeft: 3 } as const;
    const gone = applyCommand('restore', record({ ...trashed, status: 'stopped', reason: 'trashed' }), now);
    expect(gone).toMatchObject({
      status: 'stopped',
      reason: 'stopped',
      trashedAt: null,
      trashDaysLeft: null,
      generation: 7,
    });
    const ending = applyCommand('restore', record({ ...trashed, status: 'stopping' }), now);
    expect(ending).toMatchObject({ status: 'stopping', desiredState: 'stopped', trashedAt: null, generation: 8 });
  });

  it('a deletion from the trash stays in the trash until it is done', () => {
    const before = record({ desiredState: 'stopped', status: 'stopped', trashedAt: now });
    expect(applyCommand('delete', before, now)).toMatchObject({ desiredState: 'deleted', trashedAt: now });
  });

  it('clears the failure of earlier attempts with every command', () => {
    for (const command of commands.filter((each) => each !== 'restore')) {
      expect(applyCommand(command, failedPermanently('running'), now)).toMatchObject({
        failedGeneration: null,
        podError: null,
        podErrorCode: null,
      });
    }
  });

  it('accepts a command exactly when projectCan allows it, in every state', () => {
    const statuses: ProjectStatus[] = projectStatusSchema.options;
    const desiredStates: DesiredState[] = ['running', 'stopped', 'deleted'];
    for (const command of commands) {
      for (const status of statuses) {
        for (const before of desiredStates.flatMap((desiredState) => [
          record({ status, desiredState }),
          record({ status, desiredState, trashedAt: now }),
        ])) {
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
