/** Collects the violations of the invariants I1-I8, which docs/operations/faults.md explains. */

export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8';

export const invariantDescriptions: Record<Invariant, string> = {
  I1: 'two pods never share a volume; after convergence exactly the desired pod, or none',
  I2: 'no volume is deleted that its owner did not delete',
  I3: 'every project converges within 60 s',
  I4: 'every open client shows what the database says; versions never go back',
  I5: 'every acknowledged command is visible, and the last one wins',
  I6: 'no pod or claim is left without a project',
  I7: 'memory, sockets and listeners return to what they were, and no process ends by itself',
  I8: 'a prompt is given once; every run ends; its transcript can be read',
};

export interface Violation {
  invariant: Invariant;
  atMs: number;
  projectId: string | null;
  /** What was expected and what was observed. */
  text: string;
}

/** Of one invariant and project. Further ones would repeat the same text with other numbers. */
const maxOfOneKind = 3;

export interface Violations {
  found: readonly Violation[];
  /** Ignores a text that was reported before for the same project. */
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
      const similar = found.filter((one) => one.invariant === invariant && one.projectId === projectId);
      if (similar.length >= maxOfOneKind || similar.some((one) => one.text === text)) return;
      const violation = { invariant, projectId, text, atMs: options.nowMs() };
      found.push(violation);
      options.onFound(violation);
    },
  };
}
