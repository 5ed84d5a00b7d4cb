/**
 * The plan of a chaos run as a pure function of its seed: the commands, and the faults with their times. The project of a
 * command is chosen when the command is due, because the projects are not known before. The plan has a fraction for that.
 */

import { createRandom, type Random } from './random.ts';

export const userCount = 3;

export type RunCommandKind = 'start run' | 'abort run' | 'answer run';
export type CommandKind =
  | 'create'
  | 'update'
  | 'stop'
  | 'start'
  | 'restart'
  | 'retry'
  | 'delete'
  | 'list'
  | RunCommandKind;

export interface PlannedCommand {
  atMs: number;
  kind: CommandKind;
  user: number;
  /** The server that gets the command. */
  server: number;
  /** From 0 to below 1: chooses one of the projects that exist then. */
  pick: number;
}

/** Each fault with its possible places and its shortest and longest time. A place has at most one fault at a time. */
const faultKinds = {
  'worker killed': { places: ['worker 0', 'worker 1'], forMs: [500, 6_000] },
  'worker frozen': { places: ['worker 0', 'worker 1'], forMs: [2_000, 14_000] },
  'worker stopped': { places: ['worker 0', 'worker 1'], forMs: [500, 3_000] },
  'server killed': { places: ['server 0', 'server 1'], forMs: [500, 5_000] },
  'server stopped': { places: ['server 0', 'server 1'], forMs: [500, 3_000] },
  'Redis killed': { places: ['Redis'], forMs: [500, 6_000] },
  'Redis frozen': { places: ['Redis'], forMs: [1_000, 8_000] },
  'Redis flushed': { places: ['Redis'], forMs: [0, 0] },
  'Redis full': { places: ['Redis'], forMs: [1_000, 8_000] },
  'PostgreSQL killed': { places: ['PostgreSQL'], forMs: [300, 4_000] },
  'PostgreSQL frozen': { places: ['PostgreSQL'], forMs: [1_000, 6_000] },
  'PostgreSQL read-only': { places: ['PostgreSQL'], forMs: [1_000, 5_000] },
  'PostgreSQL refuses connections': { places: ['PostgreSQL'], forMs: [1_000, 5_000] },
  /** A backup, and after this time its restore. */
  'PostgreSQL restored': { places: ['PostgreSQL'], forMs: [2_000, 8_000] },
  'Redis refuses rights': { places: ['Redis'], forMs: [1_000, 8_000] },
  'Redis is a replica': { places: ['Redis'], forMs: [1_000, 8_000] },
  'row poisoned': { places: ['rows'], forMs: [1_000, 6_000] },
  'clock of worker wrong': { places: ['clock of worker 0', 'clock of worker 1'], forMs: [2_000, 12_000] },
  'Kubernetes answers 403': { places: ['Kubernetes'], forMs: [1_000, 5_000] },
  'Kubernetes lists incompletely': { places: ['Kubernetes'], forMs: [2_000, 8_000] },
  'Kubernetes objects poisoned': { places: ['events of Kubernetes'], forMs: [1_000, 6_000] },
  'Kubernetes answers 500': { places: ['Kubernetes'], forMs: [1_000, 6_000] },
  'Kubernetes answers 429': { places: ['Kubernetes'], forMs: [1_000, 4_000] },
  'Kubernetes hangs': { places: ['Kubernetes'], forMs: [1_000, 8_000] },
  'Kubernetes answers lost': { places: ['Kubernetes'], forMs: [1_000, 4_000] },
  'Kubernetes unavailable': { places: ['network of Kubernetes'], forMs: [500, 8_000] },
  'Kubernetes connections cut': { places: ['network of Kubernetes'], forMs: [0, 0] },
  'pod deleted by hand': { places: ['pods'], forMs: [0, 0] },
  'pod evicted': { places: ['pods'], forMs: [0, 0] },
  'sockets cut': { places: ['network of server 0', 'network of server 1'], forMs: [0, 0] },
  'network slow': { places: ['network of server 0', 'network of server 1'], forMs: [2_000, 8_000] },
} as const satisfies Record<string, { places: string[]; forMs: [number, number] }>;

export type FaultKind = keyof typeof faultKinds;
// The keys of the table are the kinds.
const allFaultKinds = Object.keys(faultKinds) as FaultKind[];

export interface PlannedFault {
  atMs: number;
  kind: FaultKind;
  place: string;
  forMs: number;
  /** From 0 to below 1: chooses among variants of the fault. */
  pick: number;
}

export interface Plan {
  commands: PlannedCommand[];
  faults: PlannedFault[];
}

export function planOf({ seed, seconds }: { seed: number; seconds: number }): Plan {
  const random = createRandom(seed);
  const endMs = seconds * 1_000;
  return { commands: planCommands(random, endMs), faults: planFaults(random, endMs) };
}

const weights: Record<CommandKind, number> = {
  create: 4,
  update: 2,
  stop: 3,
  start: 3,
  restart: 2,
  retry: 1,
  delete: 2,
  list: 2,
  'start run': 3,
  'abort run': 1,
  'answer run': 3,
};
// The keys of the table are the kinds.
const commandDeck = Object.entries(weights).flatMap(([kind, weight]) =>
  Array<CommandKind>(weight).fill(kind as CommandKind),
);

function planCommands(random: Random, endMs: number): PlannedCommand[] {
  const commands: PlannedCommand[] = [];
  for (let atMs = random.between(50, 300); atMs < endMs; atMs += random.between(50, 300)) {
    commands.push({
      atMs,
      kind: random.pick(commandDeck),
      user: random.between(0, userCount - 1),
      server: random.between(0, 1),
      pick: random.next(),
    });
  }
  return commands;
}

/** The time between two faults at one place: a process has to start. */
const recoveryMs = 2_500;

function planFaults(random: Random, endMs: number): PlannedFault[] {
  const faults: PlannedFault[] = [];
  const faultyUntil = new Map<string, number>();
  const isHealthy = (place: string, atMs: number) => (faultyUntil.get(place) ?? 0) <= atMs;
  let deck: FaultKind[] = [];
  for (let atMs = random.between(1_000, 3_000); atMs < endMs - 1_000; atMs += random.between(1_000, 3_000)) {
    // A shuffled deck: each kind comes up once before any comes up twice.
    if (deck.length === 0) deck = random.shuffle(allFaultKinds);
    const kind = deck.find((one) => faultKinds[one].places.some((place) => isHealthy(place, atMs)));
    if (kind === undefined) continue;
    deck.splice(deck.indexOf(kind), 1);
    const { places, forMs } = faultKinds[kind];
    const place = random.pick(places.filter((one) => isHealthy(one, atMs)));
    const lasts = Math.min(random.between(forMs[0], forMs[1]), endMs - atMs);
    faultyUntil.set(place, atMs + lasts + (forMs[1] === 0 ? 0 : recoveryMs));
    faults.push({ atMs, kind, place, forMs: lasts, pick: random.next() });
  }
  return faults;
}
