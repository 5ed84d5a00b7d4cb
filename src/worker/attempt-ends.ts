/**
 * Records the ends of attempts. An end that cannot be recorded, because the database does not answer, is recorded before the next
 * attempt of this worker. Otherwise outages of the database would count as deaths of the worker.
 */

export interface EndedAttempt {
  id: string;
  attempt: number;
}

export interface AttemptEnds {
  /** Never rejects. @returns why the end is not recorded yet; `null` when it is */
  record(ended: EndedAttempt): Promise<string | null>;
  /** Records what is not recorded yet. @throws the error of the database */
  recordMissed(): Promise<void>;
}

export function createAttemptEnds(write: {
  now: (ended: EndedAttempt) => Promise<void>;
  /** A newer attempt may have begun meanwhile. */
  late: (ended: EndedAttempt) => Promise<void>;
}): AttemptEnds {
  const missed = new Set<EndedAttempt>();
  return {
    async record({ id, attempt }) {
      try {
        await write.now({ id, attempt });
        return null;
      } catch (error) {
        missed.add({ id, attempt });
        return String(error);
      }
    },
    async recordMissed() {
      for (const ended of missed) {
        missed.delete(ended); // a call at the same time must not record it too
        try {
          await write.late(ended);
        } catch (error) {
          missed.add(ended);
          throw error;
        }
      }
    },
  };
}
