import process from 'node:process';

import { defineConfig } from 'vitest/config';

/** Dozens of programs at once, or a bound in time: beside others they come near their bounds on two cores, so they run last and one at a time. */
const crowds = ['tests/faults/crash.test.ts', 'tests/faults/worker-drain.test.ts'];

export default defineConfig({
  test: {
    globalSetup: ['tests/support/global-setup.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    restoreMocks: true,
    // On a crowded machine only (CI builds images beside the tests), and the report says which test needed it: such a test is
    // to be mended all the same.
    retry: process.env['CI'] === 'true' ? 2 : 0,
    projects: [
      {
        extends: true,
        test: {
          name: 'most',
          include: ['src/**/*.test.{ts,tsx}', 'tests/**/*.test.ts'],
          exclude: crowds,
          // Most of the time a test waits for a process or a pod, so more files than cores run at once.
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      { extends: true, test: { name: 'crowds', include: crowds, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
});
