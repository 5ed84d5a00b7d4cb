/** Where we see a situation otherwise than the one who captured it, and why. */

import type { CapturedSnapshot } from './snapshots.ts';

export const otherVerdicts: Record<string, { why: string; verdict: Partial<CapturedSnapshot['expect']> }> = {};
