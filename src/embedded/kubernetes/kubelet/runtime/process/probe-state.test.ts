import { describe, expect, it } from 'vitest';

import { countResult, newProbeState, probeSettings, type ProbeState } from './probe-state.ts';

const settings = probeSettings({ periodSeconds: 3, failureThreshold: 2, successThreshold: 2 }, 1_000);
if (settings === undefined) throw new Error('A probe has settings.');
const after = (results: string): ProbeState =>
  results.split('').reduce((state: ProbeState, result) => countResult(state, result === '+', settings), newProbeState);

describe('the state of a probe', () => {
  it.each([
    ['', 'unknown'],
    ['+', 'unknown'],
    ['++', 'success'],
    ['++-', 'success'],
    ['++--', 'failure'],
    ['++-+-', 'success'],
    ['--', 'failure'],
    ['--+', 'failure'],
    ['--++', 'success'],
  ])('is after %j: %s', (results, expected) => {
    expect(after(results).result).toBe(expected);
  });

  it('has the defaults of Kubernetes', () => {
    expect(probeSettings({}, 1_000)).toEqual({
      initialDelayMs: 0,
      periodMs: 10_000,
      timeoutMs: 1_000,
      successThreshold: 1,
      failureThreshold: 3,
    });
    expect(probeSettings(undefined, 1_000)).toBeUndefined();
  });
});
