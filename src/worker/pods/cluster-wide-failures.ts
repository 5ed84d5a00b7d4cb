import type { ReasonCode } from '../../../shared/contract/reasons.ts';

/** These are the cluster's troubles, not the project's: an end of the attempts would need hands on every project. */
export const clusterWideFailures: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  'cluster-unreachable',
  'cluster-busy',
  'unauthorized',
]);
