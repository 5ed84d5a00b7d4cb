/** Tokens and costs as texts. */

import type { TokenCounts } from '../../shared/contract/models.ts';

/** "1,234", or "12.3 million" from ten million on. */
export function formatTokens(tokens: number): string {
  return tokens < 10_000_000 ? tokens.toLocaleString('en') : `${(tokens / 1e6).toFixed(1)} million`;
}

/** "$0.12"; "unknown" without a price; "at least $0.12" when the price of some requests is not known. */
export function formatCost({ cost, unpricedRequests, requests }: TokenCounts): string {
  if (requests === 0) return '$0.00';
  if (cost === null) return 'unknown';
  const dollars = cost > 0 && cost < 0.01 ? 'less than $0.01' : `$${cost.toFixed(2)}`;
  return unpricedRequests === 0 ? dollars : `at least $${cost.toFixed(2)}`;
}

/** What the estimate concerns, or `null` when all tokens are measured. */
export function estimateNote({ unmeasuredRequests: count }: TokenCounts): string | null {
  if (count === 0) return null;
  const requests = count === 1 ? 'One request ended' : `${count.toLocaleString('en')} requests ended`;
  return `${requests} before the provider had said what it used. Those tokens are estimated.`;
}
