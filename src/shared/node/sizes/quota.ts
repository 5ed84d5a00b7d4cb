/**
 * What the projects of one person use together, and whether one more may start: pure functions. A project counts as running from the
 * command that starts it to the command that stops it.
 */

import { bytesText, coresText, thousandthsOf, wholeBytesOf } from '../../quantity.ts';
import { sizeNamed, type ProjectSize, type QuotaLimits, type SizeRules } from './size-rules.ts';

/** A project, as far as it counts. */
export interface CountedProject {
  name: string;
  isRunning: boolean;
  /** See `sizeNamed`. */
  size: string | null;
  /** The size that its pod has, while the pod may have another one; `null`: as `size`. */
  podSize: string | null;
  /** The size of its volume; `null`: it was created while there were no sizes, and counts with the default size. */
  storage: string | null;
}

/** CPU in thousandths of a core, memory and storage in bytes: whole numbers, so that sums are exact. */
export type Amounts = Record<keyof QuotaLimits, number>;

const kinds = ['projects', 'cpu', 'memory', 'storage'] as const;
const nothing: Amounts = { projects: 0, cpu: 0, memory: 0, storage: 0 };

/** What a running project of this size needs. */
function needsOf(size: ProjectSize | null): Amounts {
  if (size === null) return { ...nothing, projects: 1 };
  return {
    projects: 1,
    cpu: thousandthsOf(size.cpu),
    memory: wholeBytesOf(size.memory),
    storage: wholeBytesOf(size.storage),
  };
}

/** What a project uses. Its next pod has the size, and until then the pod of another size runs: the larger of both counts. */
function amountsOf({ isRunning, size, podSize, storage }: CountedProject, { sizes }: SizeRules): Amounts {
  const next = needsOf(sizeNamed(sizes, size));
  const running = isRunning ? larger(next, podSize === null ? next : needsOf(sizeNamed(sizes, podSize))) : nothing;
  return { ...running, storage: wholeBytesOf(storage ?? sizeNamed(sizes, null)?.storage ?? '0') };
}

/** What these projects use together. */
export function usageOf(projects: readonly CountedProject[], rules: SizeRules): Amounts {
  return projects.reduce((sum, project) => add(sum, amountsOf(project, rules)), nothing);
}

const add = (one: Amounts, other: Amounts): Amounts => ({
  projects: one.projects + other.projects,
  cpu: one.cpu + other.cpu,
  memory: one.memory + other.memory,
  storage: one.storage + other.storage,
});

const larger = (one: Amounts, other: Amounts): Amounts => ({
  projects: Math.max(one.projects, other.projects),
  cpu: Math.max(one.cpu, other.cpu),
  memory: Math.max(one.memory, other.memory),
  storage: Math.max(one.storage, other.storage),
});

/** A change of one project. */
export interface QuotaChange {
  /** All other projects of its owner. */
  others: readonly CountedProject[];
  /** `null`: it is created. */
  before: CountedProject | null;
  after: CountedProject;
}

/**
 * Why the change is refused, with numbers and what to stop; `null`: it is not. A change that uses no more of something is never
 * refused because of it, also when the limit was lowered meanwhile.
 */
export function quotaRefusal(change: QuotaChange, rules: SizeRules): string | null {
  const { others, before, after } = change;
  const used = usageOf(others, rules);
  const own = amountsOf(after, rules);
  const previous = before === null ? nothing : amountsOf(before, rules);
  const exceeded = kinds.filter((kind) => {
    const limit = rules.limits[kind];
    return limit !== null && own[kind] > previous[kind] && used[kind] + own[kind] > limit;
  });
  if (exceeded.length === 0) return null;
  const purpose = before?.isRunning === true ? 'use this size' : 'start this';
  const advice = new Set(
    exceeded.map((kind) => {
      if (own[kind] > (rules.limits[kind] ?? 0)) return 'This is more than your whole quota. Choose a smaller size.';
      return kind === 'storage' ? storageAdvice(own, rules) : stopAdvice(change, rules, purpose);
    }),
  );
  return [...exceeded.map((kind) => sentence(kind, { used, own, limits: rules.limits })), ...advice].join(' ');
}

function sentence(
  kind: keyof QuotaLimits,
  { used, own, limits }: { used: Amounts; own: Amounts; limits: QuotaLimits },
): string {
  const limit = limits[kind] ?? 0;
  switch (kind) {
    case 'projects':
      return `You run ${used.projects} of at most ${limit} projects.`;
    case 'cpu':
      return `Your running projects have ${coresText(used.cpu)} of at most ${coresText(limit)} CPU, and this one needs ${coresText(own.cpu)}.`;
    case 'memory':
      return `Your running projects have ${bytesText(used.memory)} of at most ${bytesText(limit)} of memory, and this one needs ${bytesText(own.memory)}.`;
    case 'storage':
      return `Your projects have ${bytesText(used.storage)} of at most ${bytesText(limit)} of storage, and this one needs ${bytesText(own.storage)}.`;
  }
}

function storageAdvice({ storage }: Amounts, { sizes }: SizeRules): string {
  const hasSmaller = sizes.some((size) => wholeBytesOf(size.storage) < storage);
  return `Delete a project for good${hasSmaller ? ', or choose a size with less storage' : ''}.`;
}

function stopAdvice(change: QuotaChange, rules: SizeRules, purpose: string): string {
  const names = projectsToStop(change, rules).map(({ name }) => `“${name}”`);
  const last = names.pop() ?? '';
  return `Stop ${names.length === 0 ? last : `${names.join(', ')} and ${last}`} to ${purpose}.`;
}

/** As few running projects as possible that make room: one is enough if there is such a one, and then the smallest. */
export function projectsToStop({ others, after }: QuotaChange, rules: SizeRules): CountedProject[] {
  const running = others.filter(({ isRunning }) => isRunning);
  const fitsWithout = (stopped: readonly CountedProject[]): boolean => {
    const sum = usageOf([...running.filter((project) => !stopped.includes(project)), after], rules);
    return (['projects', 'cpu', 'memory'] as const).every((kind) => sum[kind] <= (rules.limits[kind] ?? Infinity));
  };
  const bySize = running.toSorted((one, other) => weightOf(one, rules) - weightOf(other, rules));
  const single = bySize.find((project) => fitsWithout([project]));
  if (single) return [single];
  let chosen: CountedProject[] = [];
  for (const project of bySize.toReversed()) {
    if (fitsWithout(chosen)) break;
    chosen = [...chosen, project];
  }
  // A large one that was taken first may not be needed any more.
  for (const project of chosen) {
    const fewer = chosen.filter((each) => each !== project);
    if (fitsWithout(fewer)) chosen = fewer;
  }
  return chosen;
}

/** A gibibyte of memory weighs as much as a core. */
function weightOf(project: CountedProject, rules: SizeRules): number {
  const { cpu, memory } = amountsOf(project, rules);
  return cpu / 1_000 + memory / 2 ** 30;
}

/** How many more projects of this size may run, or be created; `null`: there is no limit. */
export function moreOf(
  size: ProjectSize | null,
  { used, limits, isNew }: { used: Amounts; limits: QuotaLimits; isNew: boolean },
): number | null {
  const needs = needsOf(size);
  const counts = kinds.flatMap((kind) => {
    const limit = limits[kind];
    if (limit === null || needs[kind] === 0 || (kind === 'storage' && !isNew)) return [];
    return [Math.max(0, Math.floor((limit - used[kind]) / needs[kind]))];
  });
  return counts.length === 0 ? null : Math.min(...counts);
}
