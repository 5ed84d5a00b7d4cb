import { describe, expect, it } from 'vitest';

import { matchCommands, type Command } from './match-commands.ts';

const command = (group: Command['group'], label: string, hint?: string): Command => ({
  id: label,
  group,
  label,
  ...(hint === undefined ? {} : { hint }),
  run: () => undefined,
});
const commands = [
  command('This project', 'Stop'),
  command('Projects', 'web shop', 'Running'),
  command('Projects', 'shop', 'Stopped'),
  command('Go to', 'Access tokens'),
];
const labels = (text: string, limit?: number) => matchCommands(commands, text, limit).map(({ label }) => label);

describe('the command palette', () => {
  it('offers everything while nothing is typed', () => {
    expect(labels('  ')).toEqual(['Stop', 'web shop', 'shop', 'Access tokens']);
  });

  it('finds by parts of words, without regard to case and order', () => {
    expect(labels('TOK acc')).toEqual(['Access tokens']);
    expect(labels('nothing like it')).toEqual([]);
  });

  it('puts what begins with the text first, within its group', () => {
    expect(labels('shop')).toEqual(['shop', 'web shop']);
  });

  it('finds by the hint as well, and keeps the groups in their order', () => {
    expect(labels('stop')).toEqual(['Stop', 'shop']);
  });

  it('offers no more than it can show', () => {
    expect(labels('', 2)).toEqual(['Stop', 'web shop']);
  });
});
