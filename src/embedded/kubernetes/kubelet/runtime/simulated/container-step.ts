/** One step of a simulated container: which step it is follows from the status. */

import { textAt, valueAt } from '../../../api/kube-object.ts';
import { stepCrashLoop, stepRunning, stepTerminated } from './container-run.ts';
import { stepPull, stepPullBackOff, stepPullFailed } from './container-start.ts';
import { idle, type StepInput, type StepResult } from './step-result.ts';

/**
 * Returns the new status, the events of the step and when the next step is due. It depends on its arguments only, and
 * changes only `memory`. When the memory is lost, the status alone is enough to continue.
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
      const { createError } = input.scenario;
      // A container that could not be created stays as it is.
      const hasFailed = createError?.reason === valueAt(status, 'state', 'waiting', 'reason');
      return input.isNodeBusy || hasFailed ? idle(status) : stepPull(input);
    }
  }
}
