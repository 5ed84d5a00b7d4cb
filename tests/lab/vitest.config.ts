import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/lab/*.lab.ts'],
    testTimeout: 180_000,
    hookTimeout: 300_000,
    bail: 1,
    fileParallelism: false,
  },
});
