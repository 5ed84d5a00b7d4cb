import { describe, expect, it } from 'vitest';

import { recordFixture } from '../../../tests/support/project-fixture.ts';
import { testSizes } from '../../../tests/support/sizes.ts';
import { AppError } from '../../shared/contract/errors.ts';
import type { ProjectRecord } from '../../shared/node/db/project-record.ts';
import { updateMessage, updatePatch } from './update.ts';

const id = '00000000-0000-4000-8000-000000000001';
const record = (overrides: Partial<ProjectRecord> = {}): ProjectRecord =>
  recordFixture({
    id,
    name: 'Old',
    description: 'Text',
    repoUrl: null,
    status: 'ready',
    phase: 'Running',
    reason: 'ready',
    ...overrides,
  });

describe('an update of a project', () => {
  it('writes only the fields that differ', () => {
    expect(updatePatch(record(), { id, name: 'New', description: 'Text' }, [])).toEqual({ name: 'New' });
    const withRepository = record({ repoUrl: 'https://example.org/a' });
    expect(updatePatch(withRepository, { id, repoUrl: null }, [])).toEqual({ repoUrl: null });
  });

  it('writes nothing when no field differs', () => {
    expect(updatePatch(record(), { id, name: 'Old' }, [])).toBeNull();
    expect(updatePatch(record(), { id }, [])).toBeNull();
  });

  it('is refused for a project that is being deleted', () => {
    const deleting = record({ status: 'deleting', desiredState: 'deleted' });
    expect(() => updatePatch(deleting, { id, name: 'New' }, [])).toThrow(AppError);
  });

  it('keeps the former size for a pod that no worker has observed, and replaces no observation', () => {
    const patchOf = (overrides: Partial<ProjectRecord>) => updatePatch(record(overrides), { id, size: 'S' }, testSizes);
    expect(patchOf({ size: 'L' })).toEqual({ size: 'S', podSize: 'L' });
    expect(patchOf({ size: null })).toEqual({ size: 'S', podSize: 'M' });
    expect(patchOf({ size: 'L', status: 'stopping', desiredState: 'stopped' })).toEqual({ size: 'S', podSize: 'L' });
    expect(patchOf({ size: 'M', podSize: 'L' })).toEqual({ size: 'S' });
    expect(patchOf({ size: 'L', status: 'stopped', desiredState: 'stopped' })).toEqual({ size: 'S' });
  });

  it('names the changed fields in the timeline', () => {
    expect(updateMessage({ id, name: 'New', repoUrl: null })).toBe('Changed the name and repository URL.');
    expect(updateMessage({ id })).toBe('Changed the project.');
  });
});
