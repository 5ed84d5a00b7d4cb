import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/lab/*.lab.ts'],
    testTimeout: 360_000,
    hookTimeout: 300_000,
    bail: 1,
    fileParallelism: false,
  },
});
