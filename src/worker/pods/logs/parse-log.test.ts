import { describe, expect, it } from 'vitest';

import { parseLog } from './parse-log.ts';

const at = '2026-01-01T10:00:00.123456789Z';

describe('the parser of logs', () => {
  it('separates the time and the text of each line', () => {
    expect(parseLog(`${at} one\n2026-01-01T11:00:00+01:00 two words\n`, { isCut: false })).toEqual([
      { at, text: 'one' },
      { at: '2026-01-01T11:00:00+01:00', text: 'two words' },
    ]);
  });

  it('keeps empty lines and leading spaces, and removes a carriage return', () => {
    expect(parseLog(`${at} \n${at}\n${at}   in\r\n`, { isCut: false }).map(({ text }) => text)).toEqual([
      '',
      '',
      '  in',
    ]);
  });

  it('drops the last line when the log was cut in the middle of it, unless it is the only line', () => {
    expect(parseLog(`${at} one\n${at} tw`, { isCut: true }).map(({ text }) => text)).toEqual(['one']);
    expect(parseLog(`${at} one\n${at} two\n`, { isCut: true })).toHaveLength(2);
    expect(parseLog(`${at} on`, { isCut: true })).toHaveLength(1);
    expect(parseLog(`${at} one\n${at} tw`, { isCut: false })).toHaveLength(2);
  });

  it('adds text without a time to the line before, and ignores it when there is none', () => {
    expect(parseLog(`lost\n${at} one\nmore\n`, { isCut: false })).toEqual([{ at, text: 'one\nmore' }]);
  });

  it('returns no lines for an empty log', () => {
    expect(parseLog('', { isCut: false })).toEqual([]);
  });
});
