/** Snapshots whose expected verdict we changed after the capture, with the reason for the change. */

import type { CapturedSnapshot } from './snapshots.ts';

export const changedVerdicts: Record<string, { why: string; verdict: Partial<CapturedSnapshot['expect']> }> = {
  'claim-lost': {
    why: 'The volume was removed after the capture: the claim is still Bound, and the scheduler names only labels and taints. Nothing in the snapshot says that it is lost.',
    verdict: { mentions: ['labels'] },
  },
  'unknown-plugin': {
    why: 'Whatever answers 403 without a known cause may stop doing so: the worker tries again by itself.',
    verdict: { state: 'failing' },
  },
};
