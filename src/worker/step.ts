/**
 * The places between two effects at which a worker may die. Nothing happens at them in production; tests kill a worker at
 * each, and look what becomes of the project.
 */
export type Step =
  | 'job-taken'
  | 'create-claim'
  | 'create-pod'
  | 'delete-pod'
  | 'delete-claim'
  /** The row says that the cluster has all orders; the job has not ended. */
  | 'recorded'
  /** A row has changed; the stream has not been told. */
  | 'status-written';

/** Called after the step is done and before anything else is. */
export type AfterStep = (step: Step) => Promise<void>;
