/** Where we see a situation otherwise than the one who captured it, and why. */
import type { CapturedSituation } from './situations.ts';

export const otherVerdicts: Record<string, { why: string; verdict: Partial<CapturedSituation['expect']> }> = {};
