/** What can still be started, in a sentence. Pages load this file without zod. */

import type { Allowance, ProjectQuota } from './sizes.ts';

/**
 * The refusal, or "You can start one more M."; `null` when there is no limit.
 * @param label of the size; `null`: all projects have the same
 */
export function allowanceText({ more, refusal }: Allowance, label: string | null): string | null {
  if (refusal !== null) return refusal;
  if (more === null) return null;
  return `You can start ${more === 1 ? 'one' : more} more ${label ?? (more === 1 ? 'project' : 'projects')}.`;
}

/** The size that a project has; `null`: the installation has no sizes. A size that is gone is the default. */
export function offerOf({ sizes }: ProjectQuota, name: string | null) {
  return sizes.find((size) => size.name === name) ?? sizes.find(({ isDefault }) => isDefault) ?? null;
}
