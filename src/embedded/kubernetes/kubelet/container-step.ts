import { textAt, valueAt } from '../api/kube-object.ts';
import { stepCrashLoop, stepRunning, stepTerminated } from './container-run.ts';
import { stepPull, stepPullBackOff, stepPullFailed } from './container-start.ts';
import { idle, type StepInput, type StepResult } from './step-result.ts';

/**
 * One small step of one container's life: what its status is now, what there is to tell, and when to look again. What it
 * depends on is in its arguments (`memory` it also writes), and where the memory is lost the status alone is enough.
 */
export function stepContainer(input: StepInput): StepResult {
  const { status } = input;
  if (valueAt(status, 'state', 'running') !== undefined) return stepRunning(input);
  if (valueAt(status, 'state', 'terminated') !== undefined) return stepTerminated(input);
  switch (textAt(status, 'state', 'waiting', 'reason')) {
    case 'CrashLoopBackOff':
      return stepCrashLoop(input);
    case 'ErrImagePull':
      return stepPullFailed(input);
    case 'ImagePullBackOff':
      return stepPullBackOff(input);
    default: {
      // What is wrong with it does not mend itself.
      const { createError } = input.scenario;
      const isHopeless = createError?.reason === valueAt(status, 'state', 'waiting', 'reason');
      return input.isNodeBusy || isHopeless ? idle(status) : stepPull(input);
    }
  }
}
