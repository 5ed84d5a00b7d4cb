/**
 * Whether a project in the trash is deleted: a pure function. It counts the time for which workers have observed the project there, and
 * compares no clocks. Nobody is deleted without a whole day on which the page said "1 day".
 */

export interface TrashFacts {
  /** For how long workers have observed it in the trash. */
  trashSeconds: number;
  /** The days that people see. */
  shownDays: number | null;
  /** 0: this installation has no trash any more. What is there stays until somebody deletes it. */
  limitDays: number;
}

export interface TrashDecision {
  trashSeconds: number;
  daysLeft: number | null;
  isExpired: boolean;
}

const daySeconds = 86_400;

export function decideTrash({ trashSeconds, shownDays, limitDays }: TrashFacts): TrashDecision {
  if (limitDays === 0) return { trashSeconds, daysLeft: null, isExpired: false };
  const left = limitDays * daySeconds - trashSeconds;
  if (left > daySeconds) return { trashSeconds, daysLeft: Math.ceil(left / daySeconds), isExpired: false };
  // The last day begins when people can see it, also after the limit was shortened.
  const isLastDay = shownDays === 1;
  return {
    trashSeconds: isLastDay ? trashSeconds : (limitDays - 1) * daySeconds,
    daysLeft: 1,
    isExpired: isLastDay && left <= 0,
  };
}
