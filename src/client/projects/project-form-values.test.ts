import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { testProject } from '../api/test-projects.ts';
import { createDraftStore } from './draft.ts';
import {
  changeOf,
  formValuesOf,
  newProjectSchema,
  placeError,
  projectFormRules,
  projectInputOf,
} from './project-form-values.ts';

describe('the project form', () => {
  it('returns the problem of a name', () => {
    expect(projectFormRules.name('')).toBe('Enter a name.');
    expect(projectFormRules.name('-a')).toMatch(/start with a letter or a digit/);
    expect(projectFormRules.name('My project_2')).toBeNull();
  });

  it('accepts an empty repository and rejects a repository URL with credentials', () => {
    expect(projectFormRules.repoUrl('  ')).toBeNull();
    expect(projectFormRules.repoUrl('git@host:owner/name.git')).toBeNull();
    expect(projectFormRules.repoUrl('https://me:secret@host/a')).toMatch(/credentials are never stored/);
  });

  it('sends trimmed texts, and null for an empty repository', () => {
    expect(projectInputOf({ name: ' a ', description: ' b ', repoUrl: ' ' })).toEqual({
      name: 'a',
      description: 'b',
      repoUrl: null,
    });
  });
});

it('a draft of an earlier version has no size, which is the default', () => {
  const draft = { name: 'a', description: '', repoUrl: '' };
  expect(newProjectSchema.parse(draft)).toEqual({ ...draft, size: '' });
});

describe('an edited project', () => {
  const project = testProject(1, { name: 'one', description: 'first', repoUrl: 'https://host/a' });

  it('sends only the fields that were changed', () => {
    const values = formValuesOf(project);
    expect(changeOf(project, { ...values, name: ' two ' })).toEqual({ name: 'two' });
    expect(changeOf(project, { ...values, repoUrl: '' })).toEqual({ repoUrl: null });
  });

  it('sends nothing when no field was changed', () => {
    expect(changeOf(project, formValuesOf(project))).toBeNull();
  });
});

describe('a refusal by the server', () => {
  const refusal = { message: 'The message.', fields: {}, retryAfterSeconds: null };

  it('is shown at the name when the name is taken', () => {
    expect(placeError({ ...refusal, code: 'NAME_TAKEN' })).toEqual({
      fields: { name: 'The message.' },
      message: null,
    });
  });

  it('is shown at each field that it names', () => {
    const placed = placeError({ ...refusal, code: 'VALIDATION_FAILED', fields: { repoUrl: 'Use a URL.' } });
    expect(placed).toEqual({ fields: { repoUrl: 'Use a URL.' }, message: null });
  });

  it('is shown above the form when it names none of the fields', () => {
    expect(placeError({ ...refusal, code: 'QUOTA_EXCEEDED' })).toEqual({ fields: {}, message: 'The message.' });
    expect(placeError({ ...refusal, code: 'VALIDATION_FAILED', fields: { idempotencyKey: 'x' } }).message).toBe(
      'The message.',
    );
  });
});

describe('a draft', () => {
  const memory = (): Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> => {
    const held = new Map<string, string>();
    return {
      getItem: (key) => held.get(key) ?? null,
      setItem: (key, text) => void held.set(key, text),
      removeItem: (key) => void held.delete(key),
    };
  };
  const schema = z.object({ name: z.string() });

  it('keeps the typed text until it is cleared', () => {
    const storage = memory();
    createDraftStore({ key: 'a', schema, storage }).write({ name: 'half a na' });
    const afterReload = createDraftStore({ key: 'a', schema, storage });
    expect(afterReload.read()).toEqual({ name: 'half a na' });
    afterReload.clear();
    expect(afterReload.read()).toBeNull();
  });

  it('is null when the stored text does not match or the storage is full', () => {
    const storage = memory();
    storage.setItem('draft:a', '{"name":7}');
    expect(createDraftStore({ key: 'a', schema, storage }).read()).toBeNull();
    storage.setItem('draft:a', 'no JSON');
    expect(createDraftStore({ key: 'a', schema, storage }).read()).toBeNull();
    const full = {
      ...memory(),
      setItem: () => {
        throw new Error('The quota is used up.');
      },
    };
    expect(() => createDraftStore({ key: 'a', schema, storage: full }).write({ name: 'x' })).not.toThrow();
  });
});
