import process from 'node:process';

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.{ts,tsx}', 'tests/**/*.test.ts'],
    globalSetup: ['tests/support/global-setup.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    restoreMocks: true,
    // On a crowded machine only, and the report says which test needed it: such a test is to be mended all the same.
    retry: process.env['CI'] === 'true' ? 1 : 0,
    // Most of the time a test waits for a process or a pod, so more files than cores run at once.
    maxWorkers: 3,
  },
});
