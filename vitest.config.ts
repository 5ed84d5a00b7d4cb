/** The three lanes of tests. The path of a test file decides its lane; only the unit lane starts no service. */

import { fileURLToPath } from 'node:url';

import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const integrationTestsInSrc = 'src/**/*.integration.test.{ts,tsx}';

/** A browser and an OpenCode use a whole core each. Only these files run beside each other, after all other tests of time limits. */
const runAlone = ['tests/e2e/open.test.ts', 'tests/e2e/files.test.ts'];

/** What the lanes with services share. */
const withServices = {
  /** PostgreSQL and Redis for the whole run. */
  globalSetup: ['tests/support/global-setup.ts'],
  // Loading the program anew for each file would take longer than most files.
  isolate: false,
  /** The processes that tests start compile the program once for all. */
  env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('.cache/compiled', import.meta.url)) },
};

/** Started last, these files would run alone at the end of their lane. */
const longest = [
  'tests/model/model.test.ts',
  'src/worker/pods/watch/list-watch.test.ts',
  'tests/model/runs.test.ts',
  'src/server/socket/guarded-socket.test.ts',
  'src/sidecars/session-proxy/session-proxy.test.ts',
  'src/sidecars/file-browser/changing-files.test.ts',
  'tests/integration/runs/real-opencode.test.ts',
  'tests/integration/runs/faults.test.ts',
  'tests/integration/npm-start-killed.test.ts',
  'tests/integration/npm-start.test.ts',
  'tests/e2e/product.test.ts',
  'tests/e2e/open.test.ts',
  'tests/faults/worker-drain.test.ts',
  'tests/faults/redis-refusals.test.ts',
  'tests/faults/redis.test.ts',
  'tests/fuzz/procedures.test.ts',
  'tests/faults/redis-frozen.test.ts',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line no-array-sort -- the method of the sequencer, not of an array
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => rank(one) - rank(other));
  }
}

function rank({ moduleId }: TestSpecification): number {
  const index = longest.findIndex((name) => moduleId.endsWith(name));
  return index === -1 ? longest.length : index;
}

export default defineConfig({
  test: {
    restoreMocks: true,
    sequence: { sequencer: LongestFirst },
    testTimeout: 20_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          // Starting a process for each file would take longer than most files.
          pool: 'threads',
          isolate: false,
          // Some tests wait for timers and sockets. Others work meanwhile.
          maxWorkers: 4,
          testTimeout: 20_000,
          include: ['src/**/*.test.{ts,tsx}', 'tests/{model,corpus,docs}/**/*.test.ts'],
          exclude: [integrationTestsInSrc],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: [integrationTestsInSrc, 'tests/integration/**/*.test.ts', 'tests/contract/**/*.test.ts'],
          ...withServices,
          // More files at once would take no less time on two cores, and their time limits would depend on each other.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'system',
          include: ['tests/{faults,e2e,fuzz,support}/**/*.test.ts'],
          exclude: runAlone,
          ...withServices,
          // More at once would take longer: overloaded programs miss their time limits, and then begin everything anew.
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'system-alone',
          include: runAlone,
          ...withServices,
          // One file alone would leave a core unused for half of its time.
          maxWorkers: 2,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
