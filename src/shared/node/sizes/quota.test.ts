import { describe, expect, it } from 'vitest';

import { testSizes } from '../../../../tests/support/sizes.ts';
import { moreOf, projectsToStop, quotaRefusal, usageOf, type CountedProject } from './quota.ts';
import { sizeNamed, type QuotaLimits } from './size-rules.ts';

const gib = 2 ** 30;
const sizes = testSizes;
const limits = (some: Partial<QuotaLimits>): QuotaLimits => ({
  projects: null,
  cpu: null,
  memory: null,
  storage: null,
  ...some,
});
const project = (name: string, size: string | null, isRunning = true): CountedProject => ({
  name,
  size,
  podSize: null,
  isRunning,
  storage: sizeNamed(sizes, size)?.storage ?? null,
});
/** Starts `what` while `others` are as they are. */
const start = (what: CountedProject, others: CountedProject[], some: Partial<QuotaLimits>) =>
  quotaRefusal({ others, before: { ...what, isRunning: false }, after: what }, { sizes, limits: limits(some) });

describe('a refusal', () => {
  it('says what is used, what is needed, and which project to stop', () => {
    expect(start(project('new', 'M'), [project('api', 'M'), project('web', 'S')], { memory: 8 * gib })).toBe(
      'Your running projects have 6 GiB of at most 8 GiB of memory, and this one needs 4 GiB. Stop “web” to start this.',
    );
    expect(start(project('new', 'S'), [project('api', 'L')], { cpu: 4_500 })).toBe(
      'Your running projects have 4 of at most 4.5 CPU, and this one needs 1. Stop “api” to start this.',
    );
    expect(start(project('new', null), [project('a', null), project('b', 'L')], { projects: 2 })).toBe(
      'You run 2 of at most 2 projects. Stop “a” to start this.',
    );
  });

  it('names several projects only if one is not enough, and the fewest', () => {
    const others = [project('a', 'S'), project('b', 'S'), project('c', 'M')];
    expect(start(project('new', 'L'), others, { memory: 10 * gib })).toMatch(/Stop “c” and “b” to start this\.$/);
    expect(start(project('new', 'L'), others, { memory: 12 * gib })).toMatch(/Stop “c” to start this\.$/);
  });

  it('says so when a size is larger than the whole quota', () => {
    expect(start(project('new', 'L'), [], { memory: 4 * gib })).toMatch(/more than your whole quota/);
  });

  it('lists each limit that is exceeded, and each advice once', () => {
    const text = start(project('new', 'M'), [project('api', 'M')], { cpu: 3_000, memory: 6 * gib }) ?? '';
    expect(text.match(/of at most/g)).toHaveLength(2);
    expect(text.match(/Stop “api”/g)).toHaveLength(1);
  });

  it('names nothing to stop for storage, which stopped projects have too', () => {
    const others = [project('old', 'M', false)];
    const rules = { sizes, limits: limits({ storage: 15 * gib }) };
    expect(quotaRefusal({ others, before: null, after: project('new', 'M') }, rules)).toBe(
      'Your projects have 10 GiB of at most 15 GiB of storage, and this one needs 10 GiB. Delete a project for good, or choose a size with less storage.',
    );
    expect(quotaRefusal({ others, before: null, after: project('new', 'S') }, rules)).toBeNull();
  });
});

describe('a change that uses no more than before', () => {
  it('is never refused, also when the limit was lowered', () => {
    const others = [project('a', 'L'), project('b', 'L')];
    const rules = { sizes, limits: limits({ memory: 4 * gib, storage: gib }) };
    const running = project('c', 'L');
    expect(quotaRefusal({ others, before: running, after: running }, rules)).toBeNull();
    expect(quotaRefusal({ others, before: running, after: project('c', 'S') }, rules)).toBeNull();
    expect(quotaRefusal({ others, before: running, after: { ...running, isRunning: false } }, rules)).toBeNull();
    const grown = { others: [project('a', 'S')], before: project('c', 'S'), after: project('c', 'M') };
    expect(quotaRefusal(grown, { sizes, limits: limits({ memory: 5 * gib }) })).toMatch(/Stop “a” to use this size\.$/);
  });
});

describe('a running project whose pod has another size', () => {
  const rules = { sizes, limits: limits({ memory: 10 * gib }) };
  const shrunk = { ...project('api', 'S'), podSize: 'L' };

  it('counts the larger of both: a smaller size makes room only when the pod has it', () => {
    expect(usageOf([shrunk], rules)).toEqual({ ...usageOf([project('api', 'L')], rules), storage: 5 * gib });
    const startOf = (other: CountedProject) => start(project('new', 'M'), [other], { memory: 10 * gib });
    expect(startOf(shrunk)).toMatch(/have 8 GiB of at most 10 GiB .*Stop “api” to start this\.$/);
    expect(startOf({ ...shrunk, podSize: 'S' })).toBeNull();
    expect(usageOf([{ ...project('api', 'L'), podSize: 'S' }], rules)).toEqual(usageOf([project('api', 'L')], rules));
  });

  it('may have the size of its pod again, and its restart is never refused', () => {
    const full = { others: [project('other', 'L')], before: shrunk };
    expect(quotaRefusal({ ...full, after: { ...shrunk, size: 'L' } }, rules)).toBeNull();
    expect(quotaRefusal({ ...full, after: shrunk }, rules)).toBeNull();
  });

  it('counts only its storage when it is stopped', () => {
    expect(usageOf([{ ...shrunk, isRunning: false }], rules)).toMatchObject({ projects: 0, cpu: 0, memory: 0 });
  });
});

it('a size that is gone counts as the default size, and a volume as large as it was created', () => {
  const rules = { sizes, limits: limits({}) };
  const [byDefault, gone] = [project('a', null), { ...project('b', 'XL'), storage: '7Gi' }];
  const one = usageOf([byDefault], rules);
  expect(usageOf([gone], rules)).toEqual({ ...one, storage: 7 * gib });
  expect(usageOf([{ ...byDefault, isRunning: false }], rules)).toEqual({ ...one, projects: 0, cpu: 0, memory: 0 });
  expect(usageOf([{ ...project('c', 'L'), storage: null }], rules).storage).toBe(one.storage);
});

it('so many more fit as the scarcest amount allows, and storage counts for new projects alone', () => {
  const small = sizeNamed(sizes, 'S');
  const used = { projects: 1, cpu: 1_000, memory: 2 * gib, storage: 5 * gib };
  const more = (some: Partial<QuotaLimits>, isNew = false) => moreOf(small, { used, limits: limits(some), isNew });
  expect(more({})).toBeNull();
  expect(more({ memory: 16 * gib, cpu: 4_000 })).toBe(3);
  expect(more({ projects: 2, cpu: 4_000 })).toBe(1);
  expect(more({ cpu: 500 })).toBe(0);
  expect([more({ storage: 10 * gib }), more({ storage: 10 * gib }, true)]).toEqual([null, 1]);
});

it('one small project is stopped rather than a large one', () => {
  const others = [project('large', 'L'), project('small', 'S'), project('stopped', 'S', false)];
  const rules = { sizes, limits: limits({ projects: 2 }) };
  const change = { others, before: null, after: project('new', 'S') };
  expect(projectsToStop(change, rules).map(({ name }) => name)).toEqual(['small']);
});
