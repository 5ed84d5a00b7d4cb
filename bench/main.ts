/**
 * `npm run bench`: P1 to P8, each beside its baseline in the same run. `--quick` takes less than two minutes and less of
 * everything; `--size 10000` is how many projects and sockets there are (1,000; 100 when quick); `--only P2,P6` measures some; `--json FILE` writes the figures (`.cache/bench.json` unless told otherwise).
 * Ends with 0 whether a budget holds or not: figures are for reading, machines differ. With 1 when one could not be measured.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';
import { inspect, parseArgs } from 'node:util';

import { measureBursts } from './bursts.ts';
import { measureCreates } from './creates.ts';
import { measureLists } from './lists.ts';
import { machineFacts, tableOf, type Result, type Scale } from './measure.ts';
import { measureMemory } from './memory.ts';
import { measureRelay } from './relay.ts';
import { measureRequests } from './requests.ts';
import { measureScripts } from './scripts.ts';
import { measureStart } from './start.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    size: { type: 'string' },
    only: { type: 'string' },
    json: { type: 'string' },
  },
});
const say = (line: string) => void process.stdout.write(`${line}\n`);
const size = Number(values.size ?? (values.quick ? 100 : 1_000));
const scale: Scale = { quick: values.quick, size };
const measures: Record<string, () => Promise<Result | Result[]>> = {
  P1: () => measureRelay(scale),
  P2: () => measureCreates(scale),
  P3: () => measureBursts(scale),
  P4: () => measureRequests(scale),
  P5: () => measureMemory(scale),
  P6: () => measureLists(scale),
  P7: () => measureStart(scale),
  P8: () => measureScripts(),
};
if (!Number.isInteger(size) || size < 10) {
  say('Give --size as a whole number of at least 10, such as 1000.');
  process.exit(64);
}
const desired = values.only?.split(',') ?? Object.keys(measures);
const unknown = desired.filter((id) => !(id in measures));
if (unknown.length > 0) {
  say(`There is no measure ${unknown.join(', ')}. Choose from ${Object.keys(measures).join(', ')}.`);
  process.exit(64);
}

const results: Result[] = [];
let failed = false;
for (const id of desired) {
  const startedAt = performance.now();
  try {
    results.push(...[await measures[id]?.()].flat().filter((result) => result !== undefined));
  } catch (error) {
    failed = true; // the others are worth having all the same
    say(`${id} could not be measured: ${inspect(error)}`);
  }
  say(`${id} took ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
}
const machine = machineFacts();
say(
  `\n${machine.processors} × ${machine.processor}, ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}\n`,
);
say(tableOf(results));
const file = values.json ?? '.cache/bench.json';
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${JSON.stringify({ machine, ...scale, results }, null, 2)}\n`);
process.exit(failed ? 1 : 0); // sockets of the measures may linger
