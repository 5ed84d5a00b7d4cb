/**
 * `npm run chaos -- --seed N --seconds S`: random commands and faults on the whole system, then everything is healed and
 * the invariants I1-I7 are checked (those that can be seen at once, all the time). The same seed gives the same plan. It
 * prints what it breaks, and ends with 1 when an invariant did not hold. Everything that it starts ends with it.
 */

import { randomInt } from 'node:crypto';
import process from 'node:process';
import { parseArgs } from 'node:util';

import { runChaos } from './run.ts';

/** For the start, the healing, the checks and the end. */
const allowanceMs = 150_000;

const { values } = parseArgs({
  options: { seed: { type: 'string' }, seconds: { type: 'string', default: '60' } },
});
const seed = wholeNumber('seed', values.seed ?? String(randomInt(1, 1_000_000)));
const seconds = wholeNumber('seconds', values.seconds);
const repeat = `npm run chaos -- --seed ${seed} --seconds ${seconds}`;

const cancel = new AbortController();
let exitCode: number | null = null;
const end = (code: number, words: string) => {
  if (exitCode !== null) process.exit(code); // asked twice: at once; what was started ends with us
  exitCode = code;
  process.stdout.write(`${words}\n`);
  cancel.abort();
};
process.on('SIGINT', () => end(130, 'Interrupted; clearing up.'));
process.on('SIGTERM', () => end(143, 'Asked to end; clearing up.'));
const deadline = setTimeout(
  () => {
    end(1, `Not done within ${seconds + allowanceMs / 1_000} s. To repeat it: ${repeat}`);
    setTimeout(() => process.exit(1), 15_000).unref();
  },
  seconds * 1_000 + allowanceMs,
);

const holds = await runChaos({ seed, seconds, repeat, signal: cancel.signal });
clearTimeout(deadline);
process.exit(exitCode ?? (holds ? 0 : 1));

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) {
    process.stderr.write(`--${name} must be a whole number.\n`);
    process.exit(2);
  }
  return Number(text);
}
