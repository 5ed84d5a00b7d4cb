import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { isPosition, positionBetween } from './position.ts';

describe('positionBetween', () => {
  it('keeps any order of moves, whatever their number', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 1_000 }), { maxLength: 200 }), (moves) => {
        const column: string[] = [];
        for (const move of moves) {
          const index = move % (column.length + 1);
          const position = positionBetween(column[index - 1] ?? null, column[index] ?? null);
          expect(isPosition(position)).toBe(true);
          column.splice(index, 0, position);
        }
        expect(column).toEqual([...new Set(column)].toSorted());
      }),
    );
  });

  it('stays short when tasks are always added at one end', () => {
    let first = positionBetween(null, null);
    let last = first;
    for (let count = 0; count < 10_000; count += 1) {
      first = positionBetween(null, first);
      last = positionBetween(last, null);
    }
    expect([first.length, last.length]).toEqual([8, 8]);
  });
});
