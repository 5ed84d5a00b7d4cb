import { describe, expect, it } from 'vitest';

import { createBackOff } from './back-off.ts';

describe('the delay before a reconnect', () => {
  it('doubles up to fifteen seconds and stays there', () => {
    const backOff = createBackOff({ random: () => 1 });
    const delays = Array.from({ length: 8 }, () => backOff.nextDelayMs());
    expect(delays).toEqual([400, 800, 1600, 3200, 6400, 12_800, 15_000, 15_000]);
  });

  it('is spread between half and the whole of its ceiling', () => {
    expect(createBackOff({ random: () => 0 }).nextDelayMs()).toBe(200);
    expect(createBackOff({ random: () => 0.5 }).nextDelayMs()).toBe(300);
  });

  it('begins anew once something worked', () => {
    const backOff = createBackOff({ random: () => 1 });
    backOff.nextDelayMs();
    backOff.nextDelayMs();
    backOff.reset();
    expect(backOff.nextDelayMs()).toBe(400);
  });
});
