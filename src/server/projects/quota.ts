/** What the caller uses, and what can still be started or created: the text of a refusal is the one of the command. */

import type { Allowance, ProjectQuota } from '../../shared/contract/sizes.ts';
import { moreOf, quotaRefusal, usageOf, type CountedProject } from '../../shared/node/sizes/quota.ts';
import { sizeNamed, type ProjectSize, type SizeRules } from '../../shared/node/sizes/size-rules.ts';
import { coresOf, wholeBytesOf } from '../../shared/quantity.ts';

interface QuotaFacts {
  /** All projects of the person. */
  projects: readonly CountedProject[];
  rules: SizeRules;
  /** Why the person may have no further project of any size. */
  limitRefusal: string | null;
}

export function describeQuota(facts: QuotaFacts): ProjectQuota {
  const { projects, rules } = facts;
  const { sizes, limits } = rules;
  const used = usageOf(projects, rules);
  return {
    running: {
      projects: { used: used.projects, limit: limits.projects },
      cpu: { used: used.cpu / 1_000, limit: limits.cpu === null ? null : limits.cpu / 1_000 },
      memory: { used: used.memory, limit: limits.memory },
    },
    storage: { used: used.storage, limit: limits.storage },
    sizes: sizes.map((size) => ({
      name: size.name,
      label: size.label,
      cpu: coresOf(size.cpu),
      memory: wholeBytesOf(size.memory),
      storage: wholeBytesOf(size.storage),
      isDefault: size.isDefault,
      ...allowancesOf(size, facts),
    })),
    default: allowancesOf(sizeNamed(sizes, null), facts),
  };
}

function allowancesOf(size: ProjectSize | null, facts: QuotaFacts): { start: Allowance; create: Allowance } {
  const { projects, rules, limitRefusal } = facts;
  const used = usageOf(projects, rules);
  const ofSize = { name: '', size: size?.name ?? null, podSize: null, storage: size?.storage ?? null };
  const running = { ...ofSize, isRunning: true };
  const more = (isNew: boolean) => moreOf(size, { used, limits: rules.limits, isNew });
  const start = quotaRefusal({ others: projects, before: { ...ofSize, isRunning: false }, after: running }, rules);
  const create = limitRefusal ?? quotaRefusal({ others: projects, before: null, after: running }, rules);
  return {
    start: { more: more(false), refusal: start },
    create: { more: limitRefusal === null ? more(true) : 0, refusal: create },
  };
}
