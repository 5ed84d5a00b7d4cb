import process from 'node:process';

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/lab/*.lab.ts'],
    testTimeout: 180_000,
    hookTimeout: 300_000,
    // Right after all other tests a node of two cores may be late once.
    retry: process.env['CI'] === 'true' ? 1 : 0,
    bail: 1,
    fileParallelism: false,
  },
});
