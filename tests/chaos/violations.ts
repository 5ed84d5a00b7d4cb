/** What must never be, found so far. The letters are those of the list of invariants that the run is about. */
export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7';

export const invariantDescriptions: Record<Invariant, string> = {
  I1: 'never two pods on one volume; once settled exactly the wanted pod, or none',
  I2: 'no volume removed that its owner did not delete',
  I3: 'every project converges within 60 s',
  I4: 'every open client shows what the database says; versions never fall',
  I5: 'every acknowledged command is visible, and the last one wins',
  I6: 'nothing of ours is left behind after a sweep',
  I7: 'memory, sockets and listeners return to where they were, and no process ends by itself',
};

export interface Violation {
  invariant: Invariant;
  atMs: number;
  projectId: string | null;
  /** What was expected and what was seen. */
  text: string;
}

/** Of one kind about one project: what follows are the same words with other numbers. */
const maxAlike = 3;

export interface Violations {
  found: readonly Violation[];
  /** The same words about the same project count once, and after some of a kind no more are taken. */
  report(invariant: Invariant, projectId: string | null, text: string): void;
}

export function createViolations(options: {
  nowMs: () => number;
  onFound: (violation: Violation) => void;
}): Violations {
  const found: Violation[] = [];
  return {
    found,
    report(invariant, projectId, text) {
      const alike = found.filter((one) => one.invariant === invariant && one.projectId === projectId);
      if (alike.length >= maxAlike || alike.some((one) => one.text === text)) return;
      const violation = { invariant, projectId, text, atMs: options.nowMs() };
      found.push(violation);
      options.onFound(violation);
    },
  };
}
