import fc from 'fast-check';
import { expect, it } from 'vitest';

import { testSizes as sizes } from '../../../tests/support/sizes.ts';
import { projectsToStop, quotaRefusal, usageOf, type CountedProject } from '../../shared/node/sizes/quota.ts';
import { sizeNamed, type SizeRules } from '../../shared/node/sizes/size-rules.ts';
import { describeQuota } from './quota.ts';

const gib = 2 ** 30;
const kinds = ['projects', 'cpu', 'memory', 'storage'] as const;

const rulesArbitrary: fc.Arbitrary<SizeRules> = fc
  .record({
    projects: fc.option(fc.integer({ min: 1, max: 5 })),
    cpu: fc.option(fc.integer({ min: 2, max: 12 }).map((cores) => cores * 1_000)),
    memory: fc.option(fc.integer({ min: 4, max: 24 }).map((amount) => amount * gib)),
    storage: fc.option(fc.integer({ min: 10, max: 80 }).map((amount) => amount * gib)),
  })
  .map((limits) => ({ sizes, limits }));
const sizeArbitrary = fc.constantFrom('S', 'M', 'L', 'gone', null);
const step = fc.record({
  kind: fc.constantFrom('create', 'create', 'start', 'start', 'stop', 'size', 'delete'),
  which: fc.nat(),
  size: sizeArbitrary,
});

/** Gives the commands one after another, as `withinQuota` makes them. @returns the projects after each command */
function play(steps: { kind: string; which: number; size: string | null }[], rules: SizeRules): CountedProject[][] {
  let projects: CountedProject[] = [];
  return steps.map(({ kind, which, size }, index) => {
    const before = kind === 'create' ? null : (projects[which % Math.max(1, projects.length)] ?? null);
    const others = projects.filter((each) => each !== before);
    if (kind === 'delete') return (projects = others);
    const storage = sizeNamed(rules.sizes, size)?.storage ?? null;
    const isRunning = kind === 'create' || kind === 'start' || (kind === 'size' && before?.isRunning === true);
    const after = before
      ? { ...before, isRunning, size: kind === 'size' ? size : before.size }
      : { name: `p${index}`, isRunning, size, podSize: null, storage };
    if (before === null && kind !== 'create') return projects;
    return quotaRefusal({ others, before, after }, rules) === null ? (projects = [...others, after]) : projects;
  });
}

it('no order of creates, starts, stops, sizes and deletions exceeds the quota', () => {
  let full = 0;
  fc.assert(
    fc.property(rulesArbitrary, fc.array(step, { maxLength: 60 }), (rules, steps) => {
      for (const projects of play(steps, rules)) {
        const used = usageOf(projects, rules);
        for (const kind of kinds) expect(used[kind]).toBeLessThanOrEqual(rules.limits[kind] ?? Infinity);
      }
      const end = play(steps, rules).at(-1) ?? [];
      if (describeQuota({ projects: end, rules, limitRefusal: null }).default.start.refusal !== null) full += 1;
    }),
    { numRuns: 1_000 },
  );
  expect(full).toBeGreaterThan(100); // the limits were reached
});

it('what a refusal says to stop makes room, and nothing of it could be left out', () => {
  let refused = 0;
  fc.assert(
    fc.property(rulesArbitrary, fc.array(step, { maxLength: 60 }), sizeArbitrary, (anyRules, steps, size) => {
      const rules = { ...anyRules, limits: { ...anyRules.limits, storage: null } };
      const others = play(steps, rules).at(-1) ?? [];
      const after = { name: 'new', isRunning: true, size, podSize: null, storage: null };
      const refusalWithout = (stopped: CountedProject[]) =>
        quotaRefusal({ others: others.filter((each) => !stopped.includes(each)), before: null, after }, rules);
      const refusal = refusalWithout([]);
      if (refusal === null || refusal.includes('whole quota')) return;
      refused += 1;
      const stopped = projectsToStop({ others, before: null, after }, rules);
      expect(stopped.length).toBeGreaterThan(0);
      for (const { name } of stopped) expect(refusal).toContain(`“${name}”`);
      expect(refusalWithout(stopped)).toBeNull();
      for (const one of stopped) expect(refusalWithout(stopped.filter((each) => each !== one))).not.toBeNull();
    }),
    { numRuns: 1_000 },
  );
  expect(refused).toBeGreaterThan(100);
});

it('the number of projects that can be started agrees with what the commands accept', () => {
  fc.assert(
    fc.property(rulesArbitrary, fc.array(step, { maxLength: 40 }), (rules, steps) => {
      const projects = play(steps, rules).at(-1) ?? [];
      for (const { name, create, start } of describeQuota({ projects, rules, limitRefusal: null }).sizes) {
        expect(start.refusal === null).toBe(start.more !== 0);
        expect(create.refusal === null).toBe(create.more !== 0);
        const storage = sizeNamed(sizes, name)?.storage ?? null;
        let others = projects;
        const accepted = Array.from({ length: 30 }, (_, index) => {
          const after = { name: `n${index}`, isRunning: true, size: name, podSize: null, storage };
          if (quotaRefusal({ others, before: null, after }, rules) !== null) return false;
          others = [...others, after];
          return true;
        });
        expect(accepted.filter(Boolean)).toHaveLength(create.more ?? 30);
      }
    }),
    { numRuns: 300 },
  );
});

it('a person with too many projects can start and not create', () => {
  const rules = { sizes, limits: { projects: null, cpu: null, memory: null, storage: null } };
  const { default: allowed } = describeQuota({ projects: [], rules, limitRefusal: 'Too many.' });
  expect(allowed).toEqual({ start: { more: null, refusal: null }, create: { more: 0, refusal: 'Too many.' } });
});
