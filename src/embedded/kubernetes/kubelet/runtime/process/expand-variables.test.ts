import { describe, expect, it } from 'vitest';

import { expandVariables } from './expand-variables.ts';

describe('references to variables', () => {
  it.each([
    ['$(HOST):$(PORT)', '127.64.1.2:3000'],
    ['$$(HOST)', '$(HOST)'],
    ['$$$(HOST)', '$127.64.1.2'],
    ['$(UNKNOWN) stays', '$(UNKNOWN) stays'],
    ['$HOST and ${HOST} are for the shell', '$HOST and ${HOST} are for the shell'],
    ['costs $5', 'costs $5'],
    ['$(toString)', '$(toString)'],
  ])('%s becomes %s', (text, expected) => {
    expect(expandVariables(text, { HOST: '127.64.1.2', PORT: '3000' })).toBe(expected);
  });
});
