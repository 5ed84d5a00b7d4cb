import { expect, it } from 'vitest';

import type { StartStep } from '../../shared/contract/diagnosis.ts';
import { currentStep, formatDuration, stepParts } from './start-labels.ts';

const step = (change: Partial<StartStep>): StartStep => ({
  name: 'images',
  state: 'active',
  done: 1,
  total: 3,
  startedAt: null,
  finishedAt: null,
  ...change,
});

it('a step shows its parts, and attempts only from the second one on', () => {
  expect(stepParts(step({}))).toBe('1/3');
  expect(stepParts(step({ state: 'waiting' }))).toBeNull();
  expect(stepParts(step({ name: 'node', done: null, total: null }))).toBeNull();
  expect(stepParts(step({ name: 'queued', done: 1, total: 10 }))).toBeNull();
  expect(stepParts(step({ name: 'queued', done: 2, total: 10 }))).toBe('attempt 2 of 10');
});

it('the current step is the one that is active or failed', () => {
  const steps = [
    step({ name: 'volume', state: 'done' }),
    step({ state: 'failed' }),
    step({ name: 'ready', state: 'waiting' }),
  ];
  expect(currentStep({ startedAt: '', readyAt: null, steps })).toBe('Images 1/3');
  expect(currentStep(null)).toBeNull();
});

it.each([
  [900, '1 s'],
  [59_400, '59 s'],
  [60_000, '1 min'],
  [125_000, '2 min 5 s'],
  [3_840_000, '1 h 4 min'],
])('%d ms are formatted as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
