import { describe, expect, it } from 'vitest';

import { desiredStateSchema, projectActionSchema, projectCan, projectStatusSchema } from './states.ts';

describe('projectCan', () => {
  it('allows deleting every live project, and deleting twice has no further effect', () => {
    for (const status of projectStatusSchema.options) {
      for (const desiredState of desiredStateSchema.options) {
        expect(projectCan('delete', { status, desiredState }).kind).not.toBe('no');
      }
    }
    expect(projectCan('delete', { status: 'deleting', desiredState: 'deleted' }).kind).toBe('already');
    expect(projectCan('delete', { status: 'archived', desiredState: 'deleted' }).kind).toBe('already');
  });

  it('stopping or starting a project twice has no further effect', () => {
    expect(projectCan('stop', { status: 'stopping', desiredState: 'stopped' }).kind).toBe('already');
    expect(projectCan('stop', { status: 'stopped', desiredState: 'stopped' }).kind).toBe('already');
    expect(projectCan('start', { status: 'initializing', desiredState: 'running' }).kind).toBe('already');
    expect(projectCan('start', { status: 'ready', desiredState: 'running' }).kind).toBe('already');
  });

  it('a project whose deletion failed allows only retrying the deletion', () => {
    const failed = { status: 'error', desiredState: 'deleted' } as const;
    expect(projectActionSchema.options.filter((action) => projectCan(action, failed).kind === 'yes')).toEqual([
      'retry',
      'delete',
    ]);
  });

  it('every refused or repeated action has a message for people', () => {
    for (const action of projectActionSchema.options) {
      for (const status of projectStatusSchema.options) {
        for (const desiredState of desiredStateSchema.options) {
          const permission = projectCan(action, { status, desiredState });
          if (permission.kind !== 'yes') expect(permission.message).toMatch(/^The project .+\.$/);
        }
      }
    }
  });
});
