/** The failures of the whole cluster rather than of one project. Attempts never run out because of them. */

import type { ReasonCode } from '../../shared/contract/reasons.ts';

/**
 * With a limit of attempts, an administrator would have to retry every project by hand after an outage. A missing service account
 * is one of the whole namespace: its controller is late.
 */
export const clusterWideFailures: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  'cluster-unreachable',
  'cluster-busy',
  'unauthorized',
  'service-account-missing',
]);
