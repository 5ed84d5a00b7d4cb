import { describe, expect, it } from 'vitest';

import { desiredStateSchema, projectActionSchema, projectCan, projectStatusSchema } from './states.ts';

describe('projectCan', () => {
  it('lets every live project be deleted, and makes deleting twice harmless', () => {
    for (const status of projectStatusSchema.options) {
      for (const desiredState of desiredStateSchema.options) {
        expect(projectCan('delete', { status, desiredState }).kind).not.toBe('no');
      }
    }
    expect(projectCan('delete', { status: 'deleting', desiredState: 'deleted' }).kind).toBe('already');
    expect(projectCan('delete', { status: 'archived', desiredState: 'deleted' }).kind).toBe('already');
  });

  it('makes stopping and starting twice harmless', () => {
    expect(projectCan('stop', { status: 'stopping', desiredState: 'stopped' }).kind).toBe('already');
    expect(projectCan('stop', { status: 'stopped', desiredState: 'stopped' }).kind).toBe('already');
    expect(projectCan('start', { status: 'initializing', desiredState: 'running' }).kind).toBe('already');
    expect(projectCan('start', { status: 'ready', desiredState: 'running' }).kind).toBe('already');
  });

  it('lets nothing but another try happen to a project whose deletion failed', () => {
    const failed = { status: 'error', desiredState: 'deleted' } as const;
    expect(projectActionSchema.options.filter((action) => projectCan(action, failed).kind === 'yes')).toEqual([
      'retry',
      'delete',
    ]);
  });

  it('says in a sentence what to do instead of whatever it refuses', () => {
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
