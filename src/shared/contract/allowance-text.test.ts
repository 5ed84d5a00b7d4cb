import { expect, it } from 'vitest';

import { allowanceText } from './allowance-text.ts';

it('says how many more can be started, or why none can', () => {
  expect(allowanceText({ more: 1, refusal: null }, 'M')).toBe('You can start one more M.');
  expect(allowanceText({ more: 3, refusal: null }, 'M')).toBe('You can start 3 more M.');
  expect(allowanceText({ more: 3, refusal: null }, null)).toBe('You can start 3 more projects.');
  expect(allowanceText({ more: 1, refusal: null }, null)).toBe('You can start one more project.');
  expect(allowanceText({ more: 0, refusal: 'Stop “api” to start this.' }, 'M')).toBe('Stop “api” to start this.');
  expect(allowanceText({ more: null, refusal: null }, 'M')).toBeNull();
});
