/**
 * Loaded with `node --import` before a program of a test. A line `clock MILLISECONDS` on standard input makes its clock wrong by
 * that much, at once, as when the time of its machine is set.
 */

import process from 'node:process';

let wrongByMs = 0;
const RealDate = Date;

class WrongDate extends RealDate {
  // oxlint-disable-next-line typescript/no-explicit-any -- as the constructor of Date, which has several forms
  constructor(...parts: any[]) {
    // oxlint-disable-next-line typescript/no-unsafe-argument -- as above
    super(...((parts.length === 0 ? [RealDate.now() + wrongByMs] : parts) as [number]));
  }
  static override now(): number {
    return RealDate.now() + wrongByMs;
  }
}

process.stdin.on('data', (chunk: Buffer) => {
  const [, ms] = /^clock (-?\d+)$/m.exec(chunk.toString()) ?? [];
  if (ms === undefined) return;
  wrongByMs = Number(ms);
  globalThis.Date = WrongDate as DateConstructor; // nobody calls Date without new
});
