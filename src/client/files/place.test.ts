import { describe, expect, it } from 'vitest';

import { readPlace, writePlace, type Place } from './place.ts';

describe('the place in the address', () => {
  it.each<Place>([
    { view: 'files', file: null, line: null },
    { view: 'files', file: 'src/a & b?.ts', line: 12 },
    { view: 'changes', file: null, line: null },
    { view: 'search', file: 'ü', line: null },
  ])('is the same after writing and reading: %j', (place) => {
    expect(readPlace(new URLSearchParams(writePlace(place)))).toEqual(place);
  });

  it.each(['view=unknown', 'line=-1', 'line=x', 'line=1.5&file='])('is the usual one for %s', (query) => {
    expect(readPlace(new URLSearchParams(query))).toEqual({ view: 'files', file: null, line: null });
  });
});
