/** The progress of a start: its steps, the elapsed time, and the time that a start usually takes. */

import { IconAlertTriangle, IconCheck } from '@tabler/icons-react';

import type { StartProgress, StartStep } from '../../shared/contract/diagnosis.ts';
import { trpc } from '../api/trpc.ts';
import { useNow } from '../ui/use-now.ts';
import { formatDuration, stepLabel, stepParts } from './start-labels.ts';

import classes from './start-steps.module.css';

export function StartSteps({ progress }: { progress: StartProgress }) {
  const nowMs = useNow(1_000);
  const usual = trpc.projects.usualStart.useQuery({}, { staleTime: 60_000 });
  const elapsedMs = Math.max(0, nowMs - Date.parse(progress.startedAt));
  const { medianMs = null } = usual.data ?? {};
  return (
    <section className={classes.root} aria-label="Start">
      <ol className={classes.steps}>
        {progress.steps.map((step) => (
          <Step key={step.name} step={step} />
        ))}
      </ol>
      <p className={classes.time}>
        <span className={classes.elapsed}>{formatDuration(elapsedMs)}</span>
        {medianMs !== null && ` · usually ${formatDuration(medianMs)}`}
      </p>
    </section>
  );
}

/** For screen readers, which do not see the marks. */
const stateLabels = { waiting: 'not started', active: 'in progress', done: 'done', failed: 'failing' } satisfies Record<
  StartStep['state'],
  string
>;

function Step({ step }: { step: StartStep }) {
  const parts = stepParts(step);
  return (
    <li className={classes.step} data-state={step.state} aria-current={step.state === 'active' ? 'step' : undefined}>
      <span className={classes.mark} aria-hidden="true">
        {step.state === 'done' && <IconCheck size={11} stroke={3} />}
        {step.state === 'failed' && <IconAlertTriangle size={11} stroke={2.4} />}
      </span>
      <span className={classes.label}>
        {stepLabel[step.name]}
        {parts !== null && <span className={classes.parts}> {parts}</span>}
      </span>
      <span className={classes.stateLabel}>{stateLabels[step.state]}</span>
    </li>
  );
}
