/** What all measures use: percentiles, facts about the machine, and the table of results. */

import { cpus, totalmem } from 'node:os';
import process from 'node:process';

import { cpuTimeMs } from '../tests/support/cpu-time.ts';

export interface Result {
  /** `P1` to `P13`, as in docs/benchmarks.md. */
  id: string;
  what: string;
  unit: string;
  ours: number;
  /** `null` when there is no baseline. Then the budget is an absolute number. */
  baseline: number | null;
  /** In place of `ours / baseline`: the median of the ratios of pairs that were measured one after the other. */
  ratio?: number;
  /** For the ratio of `ours` to `baseline`, or without a baseline for `ours`. */
  budget: { atMost: number } | { atLeast: number };
  /** Further figures of the same measure, such as percentiles. */
  details: Record<string, number | string>;
}

export interface Scale {
  quick: boolean;
  /** The number of projects, and of sockets that watch. */
  size: number;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export const spread = (values: readonly number[]) => ({
  p50: percentile(values, 0.5),
  p95: percentile(values, 0.95),
  p99: percentile(values, 0.99),
  samples: values.length,
});

/** Runs `work` `count` times, `concurrency` at a time. Returns the durations in milliseconds. */
export async function timesOf(
  count: number,
  concurrency: number,
  work: (index: number) => Promise<unknown>,
): Promise<number[]> {
  const times: number[] = [];
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const index = next++;
      const startedAt = performance.now();
      await work(index);
      times.push(performance.now() - startedAt);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  return times;
}

/** Adds up the processor time that these processes use during `work`, in milliseconds. */
export async function cpuOf(pids: readonly number[], work: () => Promise<unknown>): Promise<number> {
  const used = () => pids.reduce((total, pid) => total + cpuTimeMs(pid), 0);
  const before = used();
  await work();
  return used() - before;
}

function ratioOf({ ours, baseline, ratio }: Result): number {
  return baseline === null ? ours : (ratio ?? ours / baseline);
}

function holds(result: Result): boolean {
  const ratio = ratioOf(result);
  return 'atMost' in result.budget ? ratio <= result.budget.atMost : ratio >= result.budget.atLeast;
}

export function machineFacts() {
  const [cpu] = cpus();
  return {
    node: process.version,
    system: `${process.platform} ${process.arch}`,
    processor: cpu?.model ?? 'unknown',
    processors: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    at: new Date().toISOString(),
  };
}

const figure = (value: number) =>
  value >= 100 ? Math.round(value).toLocaleString('en') : value.toLocaleString('en', { maximumSignificantDigits: 3 });

/** A Markdown table with a row for each result. */
export function tableOf(results: readonly Result[]): string {
  const rows = results.map((result) => {
    const { id, what, unit, ours, baseline, budget, details } = result;
    const limit = 'atMost' in budget ? `≤ ${budget.atMost}` : `≥ ${budget.atLeast}`;
    const more = Object.entries(details).map(
      ([name, value]) => `${name} ${typeof value === 'number' ? figure(value) : value}`,
    );
    const compared = baseline === null ? '' : `${figure(baseline)} ${unit}`;
    const ratio = baseline === null ? '' : `${figure(ratioOf(result))}×`;
    return `| ${[id, what, `${figure(ours)} ${unit}`, compared, ratio, limit, holds(result) ? 'holds' : '**does not hold**', more.join(', ')].join(' | ')} |`;
  });
  return ['| | What | Ours | Baseline | Ratio | Budget | | More |', '|---|---|---|---|---|---|---|---|', ...rows].join(
    '\n',
  );
}
