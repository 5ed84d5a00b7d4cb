import { describe, expect, it } from 'vitest';

import { desiredStateSchema, projectActionSchema, projectCan, projectStatusSchema } from './states.ts';

describe('projectCan', () => {
  it('allows deleting every live project, and deleting twice has no further effect', () => {
    for (const status of projectStatusSchema.options) {
      for (const desiredState of desiredStateSchema.options) {
        expect(projectCan('delete', { status, desiredState, trashedAt: null }).kind).not.toBe('no');
      }
    }
    expect(projectCan('delete', { status: 'deleting', desiredState: 'deleted', trashedAt: null }).kind).toBe('already');
    expect(projectCan('delete', { status: 'archived', desiredState: 'deleted', trashedAt: null }).kind).toBe('already');
  });

  it('stopping or starting a project twice has no further effect', () => {
    expect(projectCan('stop', { status: 'stopping', desiredState: 'stopped', trashedAt: null }).kind).toBe('already');
    expect(projectCan('stop', { status: 'stopped', desiredState: 'stopped', trashedAt: null }).kind).toBe('already');
    expect(projectCan('start', { status: 'initializing', desiredState: 'running', trashedAt: null }).kind).toBe(
      'already',
    );
    expect(projectCan('start', { status: 'ready', desiredState: 'running', trashedAt: null }).kind).toBe('already');
  });

  it('a project whose deletion failed allows only retrying the deletion', () => {
    const failed = { status: 'error', desiredState: 'deleted', trashedAt: null } as const;
    expect(projectActionSchema.options.filter((action) => projectCan(action, failed).kind === 'yes')).toEqual([
      'retry',
      'delete',
    ]);
  });

  it('a project in the trash can only be restored or deleted, and a failed stop of its pod can be retried', () => {
    const allowed = (status: 'stopped' | 'stopping' | 'error') => {
      const project = { status, desiredState: 'stopped', trashedAt: '2026-01-01T12:00:00.000Z' } as const;
      return projectActionSchema.options.filter((action) => projectCan(action, project).kind === 'yes');
    };
    expect(allowed('stopped')).toEqual(['restore', 'delete']);
    expect(allowed('stopping')).toEqual(['restore', 'delete']);
    expect(allowed('error')).toEqual(['retry', 'restore', 'delete']);
  });

  it('every refused or repeated action has a message for people', () => {
    for (const action of projectActionSchema.options) {
      for (const status of projectStatusSchema.options) {
        for (const desiredState of desiredStateSchema.options) {
          for (const trashedAt of [null, '2026-01-01T12:00:00.000Z']) {
            const permission = projectCan(action, { status, desiredState, trashedAt });
            if (permission.kind !== 'yes') expect(permission.message).toMatch(/^The project .+\.$/);
          }
        }
      }
    }
  });
});
