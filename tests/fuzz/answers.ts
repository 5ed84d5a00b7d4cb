/** Counts the answers of a fuzz, and checks what must hold for every answer. */

import { expect } from 'vitest';

import { appErrorCodes } from '../../src/shared/contract/errors.ts';

/** An answer that takes longer counts as a hang. */
export const hangMs = 3_000;

/** One answer to one input, over HTTP or the socket. */
export interface Answer {
  data?: unknown;
  error?: { message: string; data: Record<string, unknown> } | undefined;
}

/** `accepted`, or the code of the refusal. */
export function codeOf({ error }: Answer): string {
  return error === undefined ? 'accepted' : String(error.data['appCode']);
}

/** A refusal has a known code and a message, and reveals nothing about the code of the server. */
export function expectPresentable(answer: Answer, what: string): void {
  if (answer.error === undefined) {
    expect(answer.data, what).toBeDefined();
    return;
  }
  const { message, data } = answer.error;
  expect(appErrorCodes, what).toContain(data['appCode']);
  expect(data['appCode'], `${what}: ${message}`).not.toBe('INTERNAL');
  // No input may sign a person out.
  expect(data['appCode'], what).not.toBe('UNAUTHENTICATED');
  if (data['appCode'] !== 'UNAVAILABLE') expect(data['httpStatus'], what).toBeLessThan(500);
  expect(message, what).toMatch(/^.*\S.*[.!]$/s);
  expect(message, what).not.toMatch(/node_modules|\.ts:\d|select "|insert into|at Object\./i);
}

export interface Figures {
  add(what: string, times?: number): void;
  count(what: string): number;
  total(): number;
  /** One line with the total and the number of each kind. */
  line(): string;
}

export function createFigures(): Figures {
  const counts = new Map<string, number>();
  const total = () => [...counts.values()].reduce((sum, count) => sum + count, 0);
  return {
    add: (what, times = 1) => counts.set(what, (counts.get(what) ?? 0) + times),
    count: (what) => counts.get(what) ?? 0,
    total,
    line: () =>
      `${total()} inputs: ${[...counts]
        .toSorted(([, first], [, second]) => second - first)
        .map(([what, count]) => `${count} ${what}`)
        .join(', ')}`,
  };
}

/** Rejects after {@link hangMs}. */
export async function inTime<T>(answer: Promise<T>, what: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`No answer within ${hangMs} ms to ${what}`)), hangMs);
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
