import { resolve } from 'node:path';
import process from 'node:process';

/** What our programs find in their environment when tests run them, and nothing of what the tests find in theirs. */
export const programEnvironment = {
  PATH: process.env['PATH'] ?? '',
  HOME: process.env['HOME'] ?? '',
  // Tests of the real runtime ask for it.
  EMBEDDED_RUNTIME: 'simulated',
  // Hundreds of programs start in a run: a quarter of that is compiling, which the first of them does for all.
  NODE_COMPILE_CACHE: resolve(import.meta.dirname, '../../.cache/compile'),
};
