/**
 * The whole plan of a chaos run, as a pure function of its seed: who asks for what, what breaks when and for how long.
 * Which project a command is about is decided when it is due, for nobody can know now which ones there will be; the plan
 * holds a fraction of the list instead.
 */

import { createRandom, type Random } from './random.ts';

export const userCount = 3;

export type CommandKind = 'create' | 'update' | 'stop' | 'start' | 'restart' | 'retry' | 'delete' | 'list';

export interface PlannedCommand {
  atMs: number;
  kind: CommandKind;
  user: number;
  /** The server that it is sent to. */
  server: number;
  /** From 0 to below 1: which of the projects that can be chosen then. */
  pick: number;
}

/** What can break, where, and for how long at the least and at the most. At one place one thing is broken at a time. */
const faultKinds = {
  'worker killed': { places: ['worker 0', 'worker 1'], forMs: [500, 6_000] },
  'worker frozen': { places: ['worker 0', 'worker 1'], forMs: [2_000, 14_000] },
  'worker stopped': { places: ['worker 0', 'worker 1'], forMs: [500, 3_000] },
  'server killed': { places: ['server 0', 'server 1'], forMs: [500, 5_000] },
  'server stopped': { places: ['server 0', 'server 1'], forMs: [500, 3_000] },
  'Redis killed': { places: ['Redis'], forMs: [500, 6_000] },
  'Redis frozen': { places: ['Redis'], forMs: [1_000, 8_000] },
  'Redis wiped': { places: ['Redis'], forMs: [0, 0] },
  'Redis full': { places: ['Redis'], forMs: [1_000, 8_000] },
  'PostgreSQL killed': { places: ['PostgreSQL'], forMs: [300, 4_000] },
  'PostgreSQL frozen': { places: ['PostgreSQL'], forMs: [1_000, 6_000] },
  'Kubernetes answers 500': { places: ['Kubernetes'], forMs: [1_000, 6_000] },
  'Kubernetes answers 429': { places: ['Kubernetes'], forMs: [1_000, 4_000] },
  'Kubernetes hangs': { places: ['Kubernetes'], forMs: [1_000, 8_000] },
  'Kubernetes answers lost': { places: ['Kubernetes'], forMs: [1_000, 4_000] },
  'Kubernetes away': { places: ['way to Kubernetes'], forMs: [500, 8_000] },
  'Kubernetes connections cut': { places: ['way to Kubernetes'], forMs: [0, 0] },
  'pod deleted by hand': { places: ['pods'], forMs: [0, 0] },
  'pod evicted': { places: ['pods'], forMs: [0, 0] },
  'sockets cut': { places: ['way to server 0', 'way to server 1'], forMs: [0, 0] },
  'network slow': { places: ['way to server 0', 'way to server 1'], forMs: [2_000, 8_000] },
} as const satisfies Record<string, { places: string[]; forMs: [number, number] }>;

export type FaultKind = keyof typeof faultKinds;
// The keys of the table are the kinds.
export const allFaultKinds = Object.keys(faultKinds) as FaultKind[];

export interface PlannedFault {
  atMs: number;
  kind: FaultKind;
  place: string;
  forMs: number;
  /** From 0 to below 1: whatever else the fault has to choose. */
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

/** How long a place needs to recover before it may break again: a process has to start. */
const recoveryMs = 2_500;

function planFaults(random: Random, endMs: number): PlannedFault[] {
  const faults: PlannedFault[] = [];
  const brokenUntil = new Map<string, number>();
  const isWhole = (place: string, atMs: number) => (brokenUntil.get(place) ?? 0) <= atMs;
  let deck: FaultKind[] = [];
  for (let atMs = random.between(1_000, 3_000); atMs < endMs - 1_000; atMs += random.between(1_000, 3_000)) {
    // Drawn like cards, so that each kind comes up once before any comes up twice.
    if (deck.length === 0) deck = random.shuffle(allFaultKinds);
    const kind = deck.find((one) => faultKinds[one].places.some((place) => isWhole(place, atMs)));
    if (kind === undefined) continue;
    deck.splice(deck.indexOf(kind), 1);
    const { places, forMs } = faultKinds[kind];
    const place = random.pick(places.filter((one) => isWhole(one, atMs)));
    const lasts = Math.min(random.between(forMs[0], forMs[1]), endMs - atMs);
    brokenUntil.set(place, atMs + lasts + (forMs[1] === 0 ? 0 : recoveryMs));
    faults.push({ atMs, kind, place, forMs: lasts, pick: random.next() });
  }
  return faults;
}
