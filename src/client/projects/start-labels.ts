/** The texts for the progress of a start. */

import type { StartProgress, StartStep, StartStepName } from '../../shared/contract/diagnosis.ts';

export const stepLabel = {
  queued: 'Queued',
  volume: 'Volume',
  node: 'Node',
  images: 'Images',
  containers: 'Containers',
  ready: 'Ready',
} satisfies Record<StartStepName, string>;

/** The progress within a step, such as "2/3" images, or "attempt 2 of 10". `null` for a step without parts. */
export function stepParts({ name, state, done, total }: StartStep): string | null {
  if (done === null || total === null || state === 'waiting') return null;
  if (name === 'queued') return done > 1 && state !== 'done' ? `attempt ${done} of ${total}` : null;
  return `${done}/${total}`;
}

/** The current step, such as "Images 1/3"; `null` when no step is active or failed. */
export function currentStep(progress: StartProgress | null): string | null {
  const step = progress?.steps.find(({ state }) => state === 'active' || state === 'failed');
  if (!step) return null;
  const parts = stepParts(step);
  return parts === null ? stepLabel[step.name] : `${stepLabel[step.name]} ${parts}`;
}

/** The number of steps that are done. */
export function stepsDone(progress: StartProgress): number {
  return progress.steps.filter(({ state }) => state === 'done').length;
}

/** "8 s", "2 min 5 s", "1 h 4 min". */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
