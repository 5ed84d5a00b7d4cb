/** Snapshots whose expected verdict we changed after the capture, with the reason for the change. */

import type { CapturedSnapshot } from './snapshots.ts';

export const changedVerdicts: Record<string, { why: string; verdict: Partial<CapturedSnapshot['expect']> }> = {
  'claim-lost': {
    why: 'The volume was removed after the capture: the claim is still Bound, and the scheduler names only labels and taints.',
    verdict: { mentions: ['labels'] },
  },
  'api-403-rbac-create': {
    why: 'A role may be missing for a moment, while somebody replaces it: the worker tries again by itself.',
    verdict: { state: 'failing' },
  },
  'unknown-plugin': {
    why: 'Whatever answers 403 without a known cause may stop doing so: the worker tries again by itself.',
    verdict: { state: 'failing' },
  },
};
