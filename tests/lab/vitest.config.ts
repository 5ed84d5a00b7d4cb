import process from 'node:process';

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/lab/*.lab.ts'],
    testTimeout: 180_000,
    hookTimeout: 300_000,
    // A two-core node may miss one deadline right after the other tests of CI.
    retry: process.env['CI'] === 'true' ? 1 : 0,
    bail: 1,
    fileParallelism: false,
  },
});
