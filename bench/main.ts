/**
 * `npm run bench`: P1 to P13 (there is no P11 yet), each with its baseline in the same run. `--quick` measures less and takes less than two minutes.
 * `--size 10000` is the number of projects and sockets (default 1,000; with `--quick` 100). `--only P2,P6` measures some of
 * them. `--json FILE` is the file for the figures (default `.cache/bench.json`). The exit code is 0 even if a budget does not
 * hold, because machines differ. It is 1 when a measure failed.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';
import { inspect, parseArgs } from 'node:util';

import { measureBursts } from './bursts.ts';
import { measureCreates } from './creates.ts';
import { measureFrames } from './frames.ts';
import { measureGateway } from './gateway.ts';
import { measureLists } from './lists.ts';
import { machineFacts, tableOf, type Result, type Scale } from './measure.ts';
import { measureMemory } from './memory.ts';
import { measureOpen } from './open.ts';
import { measureRelay } from './relay.ts';
import { measureRequests } from './requests.ts';
import { measureScripts } from './scripts.ts';
import { measureStart } from './start.ts';
import { measureWords } from './words.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    size: { type: 'string' },
    only: { type: 'string' },
    json: { type: 'string' },
  },
});
const print = (line: string) => void process.stdout.write(`${line}\n`);
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
  P9: () => measureGateway(scale),
  P10: () => measureOpen(scale),
  P12: () => measureWords(scale),
  P13: () => measureFrames(scale),
};
if (!Number.isInteger(size) || size < 10) {
  print('--size must be a whole number of at least 10, such as 1000.');
  process.exit(64);
}
const selected = values.only?.split(',') ?? Object.keys(measures);
const unknown = selected.filter((id) => !(id in measures));
if (unknown.length > 0) {
  print(`There is no measure ${unknown.join(', ')}. Choose from ${Object.keys(measures).join(', ')}.`);
  process.exit(64);
}

const results: Result[] = [];
let failed = false;
for (const id of selected) {
  const startedAt = performance.now();
  try {
    results.push(...[await measures[id]?.()].flat().filter((result) => result !== undefined));
  } catch (error) {
    failed = true; // the other measures are still useful
    print(`${id} could not be measured: ${inspect(error)}`);
  }
  print(`${id} took ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
}
const machine = machineFacts();
print(
  `\n${machine.processors} × ${machine.processor}, ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}\n`,
);
print(tableOf(results));
const file = values.json ?? '.cache/bench.json';
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${JSON.stringify({ machine, ...scale, results }, null, 2)}\n`);
process.exit(failed ? 1 : 0); // sockets may still be open
