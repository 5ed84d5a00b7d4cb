import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { ConfigurationError, readEnvironment, sizesCheck } from '../environment.ts';
import { sizeNamed, sizeVariables, toSizeRules } from './size-rules.ts';

const schema = z.object(sizeVariables).check(sizesCheck);
const read = (env: Record<string, string>) => toSizeRules(readEnvironment(schema, env));
const json = (sizes: unknown) => ({ PROJECT_SIZES: JSON.stringify(sizes) });
const s = { name: 'S', cpu: '1', memory: '2Gi', storage: '5Gi' };
const m = { name: 'M', cpu: '2', memory: '4Gi', storage: '10Gi' };

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    read(env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return (error as ConfigurationError).problems; // asserted above
  }
  return [];
}

describe('PROJECT_SIZES', () => {
  it('is not required: the installation then has no sizes and no limits', () => {
    expect(read({})).toEqual({ sizes: [], limits: { projects: null, cpu: null, memory: null, storage: null } });
  });

  it('makes the first size the default, unless another one is marked', () => {
    const nameOfDefault = (sizes: unknown) => sizeNamed(read(json(sizes)).sizes, null)?.name;
    expect(nameOfDefault([s, m])).toBe('S');
    expect(nameOfDefault([s, { ...m, default: true }])).toBe('M');
  });

  it('asks nodes for the shares of an installation without sizes, unless a size says otherwise', () => {
    const [small, large] = read(
      json([s, { ...m, label: 'Large', cpu: 3, cpuRequest: '2', memoryRequest: '3Gi' }]),
    ).sizes;
    expect(small).toMatchObject({ label: 'S', cpuRequest: '100m', memoryRequest: '512Mi' });
    expect(large).toMatchObject({ label: 'Large', cpu: '3', cpuRequest: '2', memoryRequest: '3Gi' });
  });

  it('is the default for a name that it no longer has', () => {
    const { sizes } = read(json([s, { ...m, default: true }]));
    expect([sizeNamed(sizes, 'S')?.name, sizeNamed(sizes, 'XL')?.name]).toEqual(['S', 'M']);
  });

  it.each([
    ['no JSON', '[{', /^PROJECT_SIZES: is not JSON\.$/],
    ['no list', '{}', /must be a list of sizes/],
    ['an empty list', '[]', /at least one size/],
    ['a text in place of a size', '["S"]', /0: must be an object/],
    ['an unknown field', JSON.stringify([{ ...s, disk: '1Gi' }]), /0: has the unknown field disk/],
    ['a missing amount', JSON.stringify([{ ...s, memory: undefined }]), /0\.memory: must be set/],
    ['thousandths of bytes', JSON.stringify([{ ...s, memory: '512m' }]), /0\.memory: .*512Mi/],
    ['no CPU', JSON.stringify([s, { ...m, cpu: '0' }]), /1\.cpu: must be a number of cores/],
    ['a request above its limit', JSON.stringify([{ ...s, memoryRequest: '3Gi' }]), /0\.memoryRequest: .*above memory/],
    ['a name with spaces', JSON.stringify([{ ...s, name: 'very large' }]), /0\.name: must be/],
    ['a name twice', JSON.stringify([s, s]), /the name S twice/],
    [
      'two defaults',
      JSON.stringify([
        { ...s, default: true },
        { ...m, default: true },
      ]),
      /more than one default/,
    ],
  ])('refuses %s with one sentence', (_what, text, problem) => {
    const problems = problemsOf({ PROJECT_SIZES: text });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
  });

  it('lists all that is wrong at once', () => {
    const wrong = json([
      { ...s, cpu: 'much', memory: '1GB' },
      { ...m, storage: '0' },
    ]);
    expect(problemsOf({ ...wrong, QUOTA_RUNNING_PROJECTS: '0' })).toHaveLength(4);
  });
});

describe('a quota', () => {
  it('is read as whole numbers: thousandths of a core, and bytes', () => {
    const quota = {
      QUOTA_RUNNING_PROJECTS: '3',
      QUOTA_RUNNING_CPU: '2.5',
      QUOTA_RUNNING_MEMORY: '8Gi',
      QUOTA_STORAGE: '50Gi',
    };
    expect(read({ ...json([s]), ...quota }).limits).toEqual({
      projects: 3,
      cpu: 2_500,
      memory: 8 * 2 ** 30,
      storage: 50 * 2 ** 30,
    });
  });

  it('of CPU, memory or storage needs sizes, and a number of projects does not', () => {
    const quota = { QUOTA_RUNNING_CPU: '4', QUOTA_RUNNING_MEMORY: '8Gi', QUOTA_STORAGE: '50Gi' };
    expect(problemsOf(quota)).toEqual(
      Object.keys(quota).map((name) => `${name}: needs PROJECT_SIZES, which says how much a project has.`),
    );
    expect(read({ QUOTA_RUNNING_PROJECTS: '3' }).limits).toMatchObject({ projects: 3 });
  });

  it('must allow one project of the default size', () => {
    const quota = { QUOTA_RUNNING_CPU: '1', QUOTA_RUNNING_MEMORY: '2Gi', QUOTA_STORAGE: '5Gi' };
    expect(problemsOf({ ...json([s, m]), ...quota })).toEqual([]);
    expect(problemsOf({ ...json([m, s]), ...quota }).map((line) => line.split(':')[0])).toEqual(Object.keys(quota));
  });
});
