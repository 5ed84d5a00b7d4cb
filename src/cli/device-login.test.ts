import { describe, expect, it } from 'vitest';

import type { PolledDeviceLogin } from '../shared/contract/device-login.ts';
import { awaitConfirmation } from './device-login.ts';

const started = {
  deviceCode: 'the secret',
  userCode: 'BCDF-GHJK',
  verificationUri: 'https://product.test/device',
  verificationUriComplete: 'https://product.test/device?code=BCDF-GHJK',
  expiresIn: 600,
  interval: 5,
};
const pending = { status: 'authorization_pending', interval: 5 } as const;
const complete = { status: 'complete', token: 'ocpm_x', expiresAt: '2026-01-01T00:00:00Z' } as const;

/** Polls until the answers are used up. `Error`: the installation does not answer. */
async function logIn(answers: (PolledDeviceLogin | Error)[]) {
  const waits: number[] = [];
  const notes: string[] = [];
  const devices = {
    start: { mutate: async () => started },
    poll: {
      mutate: async () => {
        const answer = answers.shift() ?? pending;
        if (answer instanceof Error) throw answer;
        return answer;
      },
    },
  };
  const result = awaitConfirmation(devices, {
    name: 'laptop',
    note: (text) => notes.push(text),
    signal: new AbortController().signal,
    wait: async (ms) => void waits.push(ms),
  });
  const token = await result.catch((error: unknown) => String(error));
  return { token, waits, notes: notes.join('') };
}

describe('the login of this computer', () => {
  it('shows the code and both addresses, and never the secret', async () => {
    const { token, notes } = await logIn([pending, complete]);
    expect(token).toBe('ocpm_x');
    for (const shown of [started.userCode, `${started.verificationUri} `, started.verificationUriComplete]) {
      expect(notes).toContain(shown);
    }
    expect(notes).not.toContain(started.deviceCode);
  });

  it('waits as long as the installation demands', async () => {
    const { waits } = await logIn([pending, { status: 'slow_down', interval: 10 }, pending, complete]);
    expect(waits).toEqual([5_000, 5_000, 10_000, 5_000]);
  });

  it('goes on when the installation does not answer for a while', async () => {
    expect((await logIn([new Error('fetch failed'), pending, complete])).token).toBe('ocpm_x');
  });

  it.each([
    { answer: { status: 'access_denied' } as const, message: /refused in the browser.*opm login/ },
    { answer: { status: 'expired_token' } as const, message: /expired.*opm login/ },
  ])('says what to do after $answer.status', async ({ answer, message }) => {
    expect((await logIn([pending, answer])).token).toMatch(message);
  });

  it('ends when nobody confirms in time', async () => {
    const { token, waits } = await logIn([]);
    expect(token).toMatch(/Nobody has confirmed/);
    expect(waits.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(605_000);
  });
});
