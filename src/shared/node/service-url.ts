/**
 * URLs from variables. A raw "#" or "/" in a password makes a URL of another meaning: it then names another host, and errors
 * would show a part of the password as its name. Such a URL is refused at start, with how to write the character.
 */

import { z } from 'zod';

/** How characters of user names and passwords are written in a URL. */
const ambiguous = [
  ['#', '%23'],
  ['/', '%2F'],
  ['?', '%3F'],
] as const;

/** @param options.error what the variable must be, without the value */
export function serviceUrl({ protocol, error }: { protocol: RegExp; error: string }) {
  return z.string().superRefine((text, context) => {
    const message = urlProblem(text, protocol) ?? null;
    if (message !== null) context.addIssue({ code: 'custom', message: message === '' ? error : message });
  });
}

/** What is wrong with the URL: a sentence without any part of it, `''` if it is another kind of text, `null` if nothing. */
function urlProblem(text: string, protocol: RegExp): string | null {
  // oxlint-disable-next-line no-control-regex -- these are looked for
  if (/[\u0000-\u0020\u007F]/.test(text)) {
    return 'contains a space or a line break. Remove it, or write %20 for a space that belongs to the password.';
  }
  const [, scheme, rest = ''] = /^([a-z][a-z+.-]*):\/\/(.*)$/i.exec(text) ?? [];
  if (scheme === undefined || !protocol.test(scheme.toLowerCase())) return '';
  const url = URL.parse(text);
  for (const [character, encoded] of ambiguous) {
    // An address of the web has no password, and may have an "@" in its path.
    const isMisread =
      character === '#' ? text.includes('#') : !/^http/i.test(text) && isBeforeCredentials(rest, character);
    if (!isMisread) continue;
    const advice = `Write ${encoded} if it belongs to the password`;
    return `contains "${character}" where none may be. ${advice}${character === '#' ? '' : ', and %40 for an "@" after the host'}.`;
  }
  if (url === null) return '';
  try {
    for (const part of [url.username, url.password, url.pathname]) decodeURIComponent(part);
    return null;
  } catch {
    return 'contains a "%" that begins no encoded character. Write %25 if it belongs to the password.';
  }
}

/** Whether the host ends at this character although an "@" follows, which usually ends a password. */
function isBeforeCredentials(rest: string, character: string): boolean {
  const end = rest.search(/[/?#]/);
  return end >= 0 && rest[end] === character && rest.includes('@', end);
}
