/** Which running project makes room for another one: the one that nobody has used for the longest time. */

export interface RunningProject {
  id: string;
  /** When its pod was created, as an ISO time. */
  startedAt: string;
  /** What its session proxy says; `null` when it does not answer. */
  activity: Activity | null;
  /** Whether a task of it has a run that has not ended. */
  hasRun: boolean;
}

export interface Activity {
  /** `null`: OpenCode does not answer. */
  busySessions: number | null;
  openTerminals: number;
  /** An ISO time; `null`: none since the start of the session proxy. */
  lastRequestAt: string | null;
}

/** A project of which too little is known counts as used. @returns `null` when all are in use */
export function chooseToStop(running: readonly RunningProject[]): RunningProject | null {
  const unused = running.filter(
    ({ hasRun, activity }) => !hasRun && activity?.busySessions === 0 && activity.openTerminals === 0,
  );
  return unused.toSorted((one, other) => lastUseOf(one) - lastUseOf(other))[0] ?? null;
}

/** Opening a project starts it, so its start is a use too. */
function lastUseOf({ startedAt, activity }: RunningProject): number {
  return Math.max(Date.parse(startedAt), Date.parse(activity?.lastRequestAt ?? startedAt));
}
