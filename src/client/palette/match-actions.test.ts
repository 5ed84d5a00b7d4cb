import { describe, expect, it } from 'vitest';

import { matchActions, type PaletteAction } from './match-actions.ts';

const action = (group: PaletteAction['group'], label: string, hint?: string): PaletteAction => ({
  id: label,
  group,
  label,
  ...(hint === undefined ? {} : { hint }),
  run: () => undefined,
});
const actions = [
  action('This project', 'Stop'),
  action('Projects', 'web shop', 'Running'),
  action('Projects', 'shop', 'Stopped'),
  action('Go to', 'Access tokens'),
];
const labels = (query: string, limit?: number) => matchActions(actions, query, limit).map(({ label }) => label);

describe('the command palette', () => {
  it('offers every action while the query is empty', () => {
    expect(labels('  ')).toEqual(['Stop', 'web shop', 'shop', 'Access tokens']);
  });

  it('finds an action by parts of its label, in any order and in any case', () => {
    expect(labels('TOK acc')).toEqual(['Access tokens']);
    expect(labels('nothing like it')).toEqual([]);
  });

  it('lists labels that start with the query first within their group', () => {
    expect(labels('shop')).toEqual(['shop', 'web shop']);
  });

  it('searches the hints too and keeps the groups in order', () => {
    expect(labels('stop')).toEqual(['Stop', 'shop']);
  });

  it('returns at most as many actions as the limit', () => {
    expect(labels('', 2)).toEqual(['Stop', 'web shop']);
  });
});
