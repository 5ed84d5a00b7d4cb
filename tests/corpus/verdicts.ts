/** Snapshots whose expected verdict we changed after the capture, with the reason for the change. */

import type { CapturedSnapshot } from './snapshots.ts';

export const changedVerdicts: Record<string, { why: string; verdict: Partial<CapturedSnapshot['expect']> }> = {
  'claim-lost': {
    why: 'The volume was removed after the capture: the claim is still Bound, and the scheduler names only labels and taints.',
    verdict: { mentions: ['labels'] },
  },
};
