/** Warns of a lasting condition, such as a database that refuses every statement, at most once a minute. */

import type { Log } from './log.ts';

const intervalMs = 60_000;
/** More conditions than this are not distinguished. */
const maxKeys = 10_000;

export type LimitedWarn = (key: string, fields: object, message: string) => void;

/** @returns logs one warning for each key in a minute, with the number of those that it left out before */
export function createLimitedWarn(
  log: Pick<Log, 'warn'>,
  monotonic: () => number = () => performance.now(),
): LimitedWarn {
  const conditions = new Map<string, { atMs: number; repeated: number }>();
  return (key, fields, message) => {
    const known = conditions.get(key);
    if (known && monotonic() - known.atMs < intervalMs) {
      known.repeated += 1;
      return;
    }
    if (conditions.size >= maxKeys) conditions.clear();
    conditions.set(key, { atMs: monotonic(), repeated: 0 });
    log.warn(known && known.repeated > 0 ? { ...fields, repeated: known.repeated } : fields, message);
  };
}
