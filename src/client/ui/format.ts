/** Formats times, repository URLs, names and numbers for users. */

const dateFormat = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' });
const dateTimeFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const timeFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const relativeFormat = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });

/** "22 Nov 2026", in the browser's language. */
export function formatDate(iso: string): string {
  return dateFormat.format(new Date(iso));
}

/** The date and the time to the second. */
export function formatDateTime(iso: string): string {
  return dateTimeFormat.format(new Date(iso));
}

/** "12:04". */
export function formatTime(atMs: number): string {
  return timeFormat.format(new Date(atMs));
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** "just now", "5 min. ago", "yesterday", "in 30 days"; the date when it is 31 days away or more. */
export function formatRelative(iso: string, nowMs: number): string {
  const distanceMs = Date.parse(iso) - nowMs;
  const size = Math.abs(distanceMs);
  // The clocks of server and browser differ a little, and `useNow` is rounded down: a time may lie in the future.
  if (size < 45_000) return 'just now';
  if (size < hourMs) return relativeFormat.format(Math.round(distanceMs / minuteMs), 'minute');
  if (size < dayMs) return relativeFormat.format(Math.round(distanceMs / hourMs), 'hour');
  if (size < 31 * dayMs) return relativeFormat.format(Math.round(distanceMs / dayMs), 'day');
  return formatDate(iso);
}

/** "github.com/owner/name" from any of the accepted forms of a repository URL. */
export function shortRepository(repoUrl: string): string {
  const scpLike = /^[^/@:]+@(\[[^\]]+\]|[^:]+):(.+)$/.exec(repoUrl);
  const text = scpLike ? `${scpLike[1]}/${scpLike[2]}` : repoUrl.replace(/^[a-z]+:\/\/(?:[^@/]*@)?/i, '');
  return text
    .replace(/[?#].*$/, '')
    .replace(/\/+$/, '')
    .replace(/\.git$/, '');
}

/** The URL if a browser can open it; `null` for URLs that only git understands. */
export function browsableRepository(repoUrl: string): string | null {
  return /^https?:\/\//i.test(repoUrl) ? repoUrl : null;
}

/** The initials of a user: at most two letters. */
export function initialsOf(name: string): string {
  const parts = name.split(/[\s\-_.@]+/).filter(Boolean);
  const letters = parts.length > 1 ? [parts[0], parts.at(-1)] : [parts[0]];
  return letters.map((part) => Array.from(part ?? '')[0]?.toUpperCase() ?? '').join('') || '?';
}

/** "1 restart", "2 restarts". */
export function count(amount: number, noun: string): string {
  return `${amount.toLocaleString('en')} ${noun}${amount === 1 ? '' : 's'}`;
}
