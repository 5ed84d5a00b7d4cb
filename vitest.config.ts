/** The three lanes of tests. The path of a test file decides its lane; only the unit lane starts no service. */

import { defineConfig } from 'vitest/config';

const integrationTestsInSrc = 'src/**/*.integration.test.{ts,tsx}';

/** PostgreSQL and Redis for the whole run. */
const globalSetup = ['tests/support/global-setup.ts'];

export default defineConfig({
  test: {
    restoreMocks: true,
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
          globalSetup,
          // Tests of this lane wait more than they compute, so more files than cores run at once.
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'system',
          include: ['tests/{faults,e2e,fuzz,support}/**/*.test.ts'],
          globalSetup,
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
