/**
 * A breadth-first search through everything that can happen between two executors, the owner, the watch and the cluster, in
 * every order. It visits each state once. The first fault comes with the shortest trace that leads to it.
 */

import { emptyCluster, serve, type Cluster, type Move, type Request } from './cluster.ts';
import { environmentMoves } from './environment.ts';
import { executorSteps, forget, forgetIn, idle, type Memory } from './executor.ts';
import { faultOfWrite, firstRow, type Guards, type Row } from './row.ts';

/** How often each of these may happen. Everything else may happen at any time and any number of times. */
export type Limits = Readonly<Record<NonNullable<Move['costs']>, number>>;

export interface World {
  row: Row;
  cluster: Cluster;
}

export interface Exploration {
  states: number;
  /** Every pair of row and cluster that was reached, with the first state that has it. */
  worlds: Map<World, number>;
  /** The first thing that must never happen, and the steps that lead to it. */
  fault: { message: string; trace: string[] } | null;
  traceTo(state: number): string[];
}

/** [world, one executor, the other, the late request, the remaining limits], all as numbers of their registers. */
type State = [world: number, one: number, other: number, late: number, left: number];

/** A move with its outcome as numbers. It is computed once for each actor, memory and world. */
interface Transition extends Pick<Move, 'name' | 'costs' | 'gone'> {
  world: number;
  /** The request that may arrive late from now on. */
  late: number | undefined;
  memory: number;
  fault: string | undefined;
}

const mostWorlds = 2 ** 14;
const mostMemories = 2 ** 12;
const mostRequests = 2 ** 6;
const mostLefts = 2 ** 7;

export function explore(guards: Guards, limits: Limits): Exploration {
  const worlds = createRegister<World>(mostWorlds);
  const memories = createRegister<Memory>(mostMemories);
  const requests = createRegister<Request | null>(mostRequests);
  const lefts = createRegister<Limits>(mostLefts);
  const moves = { executor: new Map<number, Transition[]>(), arrival: new Map<number, Transition[]>() };
  const environment = new Map<number, Transition[]>();
  const spendings: Record<keyof Limits, Map<number, number | null>> = {
    command: new Map(),
    mishap: new Map(),
    failure: new Map(),
    'late request': new Map(),
  };
  const forgettings = { pod: new Map<number, number>(), claim: new Map<number, number>() };
  const atRest = memories.numberOf(idle);
  const noRequest = requests.numberOf(null);

  const visited = createKeySet();
  const states: State[] = [];
  const cameFrom: number[] = [];
  const cameBy: string[] = [];
  const firstWith = new Map<number, number>();

  visit(
    [worlds.numberOf({ row: firstRow, cluster: emptyCluster }), atRest, atRest, noRequest, lefts.numberOf(limits)],
    {
      from: 0,
      by: '',
    },
  );
  for (let number = 0; number < states.length; number++) {
    const faulty = expand(states[number] as State, number); // in range
    if (faulty) return outcome({ message: faulty.fault ?? '', trace: [...traceTo(number), faulty.name] });
  }
  return outcome(null);

  /** Visits every possible next state. Returns the first transition that must never happen. */
  function expand([world, one, other, late, left]: State, from: number): Transition | null {
    const { row, cluster } = worlds.valueOf(world);
    const request = requests.valueOf(late);
    for (const [mine, others] of one === other
      ? [[one, other] as const]
      : ([
          [one, other],
          [other, one],
        ] as const)) {
      const steps = once(moves.executor, world * mostMemories + mine, world, () =>
        executorSteps(memories.valueOf(mine), row, cluster, guards),
      );
      for (const step of steps) {
        if (step.fault !== undefined) return step;
        const leftAfter = spend(left, step.costs);
        if (leftAfter === null || (step.late !== undefined && request)) continue;
        visit([step.world, step.memory, others, step.late ?? late, leftAfter], { from, by: step.name });
      }
    }
    if (request) {
      const arrivals = once(moves.arrival, world * mostRequests + late, world, () => {
        const { result: _, ...after } = serve(request, row, cluster, guards);
        return [{ ...after, row, name: `the ${request.kind} that was cut off arrives late` }];
      });
      for (const arrival of arrivals) {
        if (arrival.fault !== undefined) return arrival;
        visit([arrival.world, one, other, noRequest, left], { from, by: arrival.name });
      }
    }
    for (const move of once(environment, world, world, () => environmentMoves(row, cluster))) {
      if (move.fault !== undefined) return move;
      const leftAfter = spend(left, move.costs);
      if (leftAfter === null) continue;
      const { gone } = move;
      const next: State =
        gone === undefined
          ? [move.world, one, other, late, leftAfter]
          : [move.world, forgotten(one, gone), forgotten(other, gone), forgottenRequest(late, gone), leftAfter];
      visit(next, { from, by: move.name });
    }
    return null;
  }

  function visit(state: State, { from, by }: { from: number; by: string }): void {
    const [world, one, other, late, left] = state;
    // The executors are identical, so their order does not matter.
    const [first, second] = one <= other ? [one, other] : [other, one];
    const key = (((world * mostMemories + first) * mostMemories + second) * mostRequests + late) * mostLefts + left;
    if (!visited.add(key)) return;
    if (!firstWith.has(world)) firstWith.set(world, states.length);
    states.push([world, first, second, late, left]);
    cameFrom.push(from);
    cameBy.push(by);
  }

  function once(
    known: Map<number, Transition[]>,
    key: number,
    world: number,
    make: () => (Move & { memory?: Memory })[],
  ) {
    const found = known.get(key);
    if (found) return found;
    const before = worlds.valueOf(world);
    const made = make().map(({ name, row, cluster, memory = idle, costs, gone, late, fault }) => ({
      name,
      world: worlds.numberOf({ row, cluster }),
      memory: memories.numberOf(memory),
      fault: fault ?? faultBetween(before, { row, cluster }),
      ...(costs && { costs }),
      ...(gone && { gone }),
      late: late && requests.numberOf(late),
    }));
    known.set(key, made);
    return made;
  }

  function spend(left: number, costs: Move['costs']): number | null {
    if (costs === undefined) return left;
    const known = spendings[costs].get(left);
    if (known !== undefined) return known;
    const before = lefts.valueOf(left);
    const after = before[costs] === 0 ? null : lefts.numberOf({ ...before, [costs]: before[costs] - 1 });
    spendings[costs].set(left, after);
    return after;
  }

  function forgotten(memory: number, gone: 'pod' | 'claim'): number {
    const known = forgettings[gone].get(memory) ?? memories.numberOf(forget(memories.valueOf(memory), gone));
    forgettings[gone].set(memory, known);
    return known;
  }

  function forgottenRequest(late: number, gone: 'pod' | 'claim'): number {
    const request = requests.valueOf(late);
    return request ? requests.numberOf(forgetIn(request, gone)) : late;
  }

  function traceTo(state: number): string[] {
    const trace: string[] = [];
    for (let at = state; at > 0; at = cameFrom[at] ?? 0) trace.push(cameBy[at] ?? '');
    return trace.toReversed();
  }

  function outcome(fault: Exploration['fault']): Exploration {
    const met = new Map([...firstWith].map(([world, state]) => [worlds.valueOf(world), state]));
    return { states: states.length, worlds: met, fault, traceTo };
  }
}

/**
 * A set of whole numbers up to 2^53, by open addressing. The built-in Set stores numbers of this size as objects, which made
 * it take most of the time of the model.
 */
function createKeySet() {
  let slots = new Float64Array(2 ** 16).fill(-1);
  let count = 0;

  /** The slot that holds the key, or the free one where it belongs. */
  function slotOf(key: number): number {
    const mask = slots.length - 1;
    const high = Math.floor(key / 2 ** 32);
    // The final mixing steps of MurmurHash3.
    let hash = key ^ Math.imul(high, 0x9e3779b1);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    let slot = (hash ^ (hash >>> 16)) & mask;
    while (slots[slot] !== -1 && slots[slot] !== key) slot = (slot + 1) & mask;
    return slot;
  }

  function grow(): void {
    const before = slots;
    slots = new Float64Array(before.length * 4).fill(-1);
    for (const key of before) if (key !== -1) slots[slotOf(key)] = key;
  }

  return {
    /** Returns false when the key was already in the set. */
    add(key: number): boolean {
      const slot = slotOf(key);
      if (slots[slot] === key) return false;
      slots[slot] = key;
      count += 1;
      if (count * 2 > slots.length) grow();
      return true;
    },
  };
}

/** Equal values get the same small number, so that a state is a handful of numbers. */
function createRegister<T>(most: number) {
  const numbers = new Map<string, number>();
  const values: T[] = [];
  return {
    numberOf(value: T): number {
      const key = JSON.stringify(value);
      const known = numbers.get(key);
      if (known !== undefined) return known;
      if (values.length === most) throw new RangeError('The model has more states than its numbers can hold.');
      numbers.set(key, values.length);
      return values.push(value) - 1;
    },
    valueOf: (number: number): T => values[number] as T, // only the function above hands out numbers
  };
}

function faultBetween(before: World, after: World): string | undefined {
  if (after.cluster.pods.length > 1) return 'two pods share one volume';
  return faultOfWrite(before.row, after.row) ?? undefined;
}
