import { describe, expect, it } from 'vitest';

import { createRandom } from './random.ts';
import { allFaultKinds, planOf, userCount } from './schedule.ts';

const seeds = Array.from({ length: 100 }, (_, index) => index * 7_919 + 1);

describe('the plan of a chaos run', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(planOf({ seed: 42, seconds: 60 })).toEqual(planOf({ seed: 42, seconds: 60 }));
    expect(planOf({ seed: 43, seconds: 60 })).not.toEqual(planOf({ seed: 42, seconds: 60 }));
  });

  it('breaks everything that can break within a minute, for nearly every seed', () => {
    const complete = seeds.filter((seed) => {
      const kinds = new Set(planOf({ seed, seconds: 60 }).faults.map(({ kind }) => kind));
      return allFaultKinds.every((kind) => kinds.has(kind));
    });
    expect(complete.length).toBeGreaterThan(90);
  });

  it('asks for something every 50 to 300 ms, and breaks something every one to three seconds, most of the time', () => {
    for (const seed of seeds.slice(0, 10)) {
      const { commands, faults } = planOf({ seed, seconds: 60 });
      const gaps = commands.slice(1).map(({ atMs }, index) => atMs - (commands[index]?.atMs ?? 0));
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(50);
      expect(Math.max(...gaps)).toBeLessThanOrEqual(300);
      expect(faults.length).toBeGreaterThanOrEqual(20);
    }
  });

  it('breaks one thing at a time at one place, and everything is whole again at its end', () => {
    for (const seed of seeds) {
      const brokenUntil = new Map<string, number>();
      for (const { place, atMs, forMs } of planOf({ seed, seconds: 60 }).faults) {
        expect(atMs).toBeGreaterThanOrEqual(brokenUntil.get(place) ?? 0);
        brokenUntil.set(place, atMs + forMs);
        expect(atMs + forMs).toBeLessThanOrEqual(60_000);
      }
    }
  });

  it('lets several things be broken at once', () => {
    const { faults } = planOf({ seed: 1, seconds: 60 });
    const overlaps = faults.filter(({ atMs }, index) =>
      faults.slice(0, index).some((earlier) => earlier.atMs + earlier.forMs > atMs),
    );
    expect(overlaps.length).toBeGreaterThan(5);
  });

  it('lets every user ask for everything', () => {
    const asked = new Set(planOf({ seed: 1, seconds: 60 }).commands.map(({ user, kind }) => `${user} ${kind}`));
    expect(asked.size).toBe(userCount * 8);
  });
});

it('random numbers spread evenly over their range', () => {
  const random = createRandom(5);
  const counts = Array.from({ length: 10 }, () => 0);
  for (let round = 0; round < 10_000; round += 1) counts[random.between(0, 9)]! += 1; // ten counters, ten numbers
  for (const count of counts) expect(count).toBeGreaterThan(850);
  expect(random.shuffle([1, 2, 3, 4, 5]).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
});
