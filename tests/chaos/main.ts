/**
 * `npm run chaos -- --seed N --seconds S`: random commands and faults on the whole system. Then it repairs everything and
 * checks the invariants I1-I8; those that can be checked at any moment are checked all the time. The same seed gives the same
 * plan. It prints each fault, and exits with 1 when an invariant did not hold. It ends all processes that it has started.
 */

import { randomInt } from 'node:crypto';
import process from 'node:process';
import { parseArgs } from 'node:util';

import { runChaos } from './run.ts';

/** The time for start, repair, checks and end, on a machine that is busy with other things. */
const allowanceMs = 400_000;

const { values } = parseArgs({
  options: { seed: { type: 'string' }, seconds: { type: 'string', default: '60' } },
});
const seed = wholeNumber('seed', values.seed ?? String(randomInt(1, 1_000_000)));
const seconds = wholeNumber('seconds', values.seconds);
const repeat = `npm run chaos -- --seed ${seed} --seconds ${seconds}`;

const cancel = new AbortController();
let exitCode: number | null = null;
const end = (code: number, message: string) => {
  if (exitCode !== null) process.exit(code); // a second signal ends it at once; its processes end with it
  exitCode = code;
  process.stdout.write(`${message}\n`);
  cancel.abort();
};
process.on('SIGINT', () => end(130, 'Interrupted; cleaning up.'));
process.on('SIGTERM', () => end(143, 'SIGTERM; cleaning up.'));
const deadline = setTimeout(
  () => {
    end(1, `Not finished within ${seconds + allowanceMs / 1_000} s. To repeat it: ${repeat}`);
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
