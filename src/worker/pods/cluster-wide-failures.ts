/** The failures of the whole cluster rather than of one project. Attempts never run out because of them. */

import type { ReasonCode } from '../../shared/contract/reasons.ts';

/**
 * The cluster refuses the worker itself: its role is incomplete, or something in front of the API forbids the request. That
 * lasts until an administrator acts, so the worker tries again slowly.
 */
export const refusalsOfWorker: ReadonlySet<ReasonCode> = new Set<ReasonCode>(['forbidden', 'refused']);

/**
 * With a limit of attempts, an administrator would have to retry every project by hand after an outage. A missing service account
 * is one of the whole namespace: its controller is late.
 */
export const clusterWideFailures: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  'cluster-unreachable',
  'cluster-busy',
  'unauthorized',
  'service-account-missing',
  ...refusalsOfWorker,
]);
