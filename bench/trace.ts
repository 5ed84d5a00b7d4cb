/**
 * Reads a trace of Chromium: how long the main thread of the page needed for each frame, and for each task. Two times: `cpuMs` is what the
 * thread computed, `wallMs` is what passed, with what other programs of the machine took.
 */

import type { Browser, Page } from 'playwright-core';

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  /** Microseconds. */
  ts: number;
  dur?: number;
  /** The same on the clock of the thread, which stands while the thread waits. */
  tts?: number;
  tdur?: number;
  args?: { data?: { url?: string; functionName?: string } };
}

export interface Longest {
  step: string;
  cpuMs: number;
  wallMs: number;
}

export interface Frames {
  /** From one animation frame to the next. */
  frames: Longest[];
  /** Tasks of the main thread. A frame can contain several. */
  tasks: (Longest & { parts: string })[];
}

const categories = ['devtools.timeline', 'disabled-by-default-devtools.timeline', 'blink.user_timing', '__metadata'];
const markPrefix = 'bench:';

/**
 * Traces the page while `work` runs. `work` gives a name to each step. The page must ask for each animation frame
 * ({@link askForEachFrame}).
 *
 * @throws Error when the trace has no times of the thread, such as on a system whose Chromium does not measure them
 */
export async function traced(
  browser: Browser,
  page: Page,
  work: (step: (name: string) => Promise<void>) => Promise<void>,
): Promise<Frames> {
  await browser.startTracing(page, { categories });
  const step = (name: string) => page.evaluate((mark) => void performance.mark(mark), markPrefix + name);
  await work(step);
  await step('end');
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  return framesOf(traceEvents);
}

/** Without it a page that does not change has no frames. It must be called before the page is opened. */
export async function askForEachFrame(page: Page): Promise<void> {
  await page.context().addInitScript(() => {
    const next = (): void => void requestAnimationFrame(next);
    next();
  });
}

/** The frames and tasks of all steps, the longest first. */
export function framesOf(events: readonly TraceEvent[]): Frames {
  const marks = events
    .filter(({ name, ph }) => name.startsWith(markPrefix) && ph !== 'e')
    .map(({ name, ts, pid, tid }) => ({ step: name.slice(markPrefix.length), ts, thread: `${pid} ${tid}` }))
    .toSorted((one, other) => one.ts - other.ts);
  const threads = new Set(marks.map(({ thread }) => thread));
  const inPage = events
    .filter(({ pid, tid }) => threads.has(`${pid} ${tid}`))
    .toSorted((one, other) => one.ts - other.ts);
  const stepAt = (ts: number) => marks.findLast((mark) => mark.ts <= ts)?.step ?? 'before';
  const isOfStep = ({ step }: { step: string }) => step !== 'before' && step !== 'end';
  return {
    frames: framesBetween(inPage, stepAt).filter(isOfStep).toSorted(longestFirst),
    tasks: tasksIn(inPage, stepAt).filter(isOfStep).toSorted(longestFirst),
  };
}

function framesBetween(events: readonly TraceEvent[], stepAt: (ts: number) => string): Longest[] {
  const frames: Longest[] = [];
  const before = new Map<string, TraceEvent>();
  for (const event of events) {
    // Chromium leaves the time out of single events. Two frames then count as one.
    if (event.name !== 'FireAnimationFrame' || event.tts === undefined) continue;
    const thread = `${event.pid} ${event.tid}`;
    const last = before.get(thread);
    before.set(thread, event);
    if (last === undefined) continue;
    if (last.tts === undefined) continue;
    if (event.ts - last.ts < 1_000) continue; // another request of the same frame
    frames.push({
      step: stepAt(last.ts),
      cpuMs: (event.tts - last.tts) / 1_000,
      wallMs: (event.ts - last.ts) / 1_000,
    });
  }
  if (frames.length === 0) throw new Error('The trace has no times of the thread.');
  return frames;
}

function tasksIn(events: readonly TraceEvent[], stepAt: (ts: number) => string): Frames['tasks'] {
  return events
    .filter(({ name }) => name === 'RunTask')
    .map((task) => {
      const end = task.ts + (task.dur ?? 0);
      const cpuMs = (task.tdur ?? Number.NaN) / 1_000;
      const parts = cpuMs < 50 ? '' : partsOf(events.filter((part) => part.ts >= task.ts && part.ts < end));
      return { step: stepAt(task.ts), cpuMs, wallMs: (task.dur ?? 0) / 1_000, parts };
    });
}

/** What a task consists of: the names of its longest parts, which contain one another. */
function partsOf(events: readonly TraceEvent[]): string {
  return events
    .filter(({ name, tdur }) => name !== 'RunTask' && (tdur ?? 0) > 10_000)
    .toSorted((one, other) => (other.tdur ?? 0) - (one.tdur ?? 0))
    .slice(0, 4)
    .map(({ name, tdur, args }) => {
      const of = args?.data?.functionName ?? args?.data?.url?.replace(/.*\//, '') ?? '';
      return `${name}${of === '' ? '' : ` (${of})`} ${((tdur ?? 0) / 1_000).toFixed(0)} ms`;
    })
    .join(' > ');
}

const longestFirst = (one: Longest, other: Longest) => other.cpuMs - one.cpuMs;
