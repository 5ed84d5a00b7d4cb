import { describe, expect, it } from 'vitest';

import { browsableRepository, count, formatRelative, initialsOf, shortRepository } from './format.ts';

const nowMs = Date.parse('2026-11-22T12:00:00Z');

describe('formatRelative', () => {
  it.each([
    ['2026-11-22T11:59:40Z', 'just now'],
    ['2026-11-22T11:55:00Z', '5 min. ago'],
    ['2026-11-22T09:00:00Z', '3 hr. ago'],
    ['2026-11-21T12:00:00Z', 'yesterday'],
    ['2026-12-02T12:00:00Z', 'in 10 days'],
  ])('formats %s as "%s"', (iso, text) => {
    expect(formatRelative(iso, nowMs)).toBe(text);
  });

  it('returns the date for a time that is more than a month away', () => {
    expect(formatRelative('2026-01-02T12:00:00Z', nowMs)).toMatch(/2026/);
  });
});

describe('a repository URL', () => {
  it.each([
    ['https://github.com/owner/name.git', 'github.com/owner/name'],
    ['https://github.com/owner/name/', 'github.com/owner/name'],
    ['gitea@host.example:owner/name.git', 'host.example/owner/name'],
    ['ssh://git@host.example:22/owner/name.git', 'host.example:22/owner/name'],
    ['git@github.com:owner/name.git', 'github.com/owner/name'],
    ['http://host/a?b=c#d', 'host/a'],
  ])('%s is shortened to "%s"', (url, short) => {
    expect(shortRepository(url)).toBe(short);
  });

  it('is browsable only with http or https', () => {
    expect(browsableRepository('https://host/a')).toBe('https://host/a');
    expect(browsableRepository('git@host:a')).toBeNull();
    expect(browsableRepository('ssh://host/a')).toBeNull();
  });
});

describe('names and numbers', () => {
  it('uses the first letters of the first and the last name as initials', () => {
    expect(initialsOf('Ada King Lovelace')).toBe('AL');
    expect(initialsOf('user-a')).toBe('UA');
    expect(initialsOf('')).toBe('?');
  });

  it('uses the singular for one item', () => {
    expect(count(1, 'restart')).toBe('1 restart');
    expect(count(1200, 'restart')).toBe('1,200 restarts');
  });
});
