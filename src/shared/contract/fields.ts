/** Field rules that the form, the API and the SDK share. The form checks them while the user types, the API on arrival. */

import { z } from 'zod';

// PostgreSQL cannot store NUL, and other control characters do not belong in texts for people.
// oxlint-disable-next-line no-control-regex -- this expression matches control characters on purpose
const controlCharacters = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/** A text of a person without control characters, of `min` to `max` characters. `empty`: what to say when it is too short. */
export function plainText({ min = 0, max, empty = '' }: { min?: number; max: number; empty?: string }) {
  return z
    .string({ error: 'Enter a text.' })
    .trim()
    .min(min, empty)
    .max(max, `Use at most ${max.toLocaleString('en')} characters.`)
    .refine((text) => !controlCharacters.test(text) && text.isWellFormed(), 'Remove the control characters.');
}

/** Chosen by a caller, so that a repeated call has no further effect. */
export const idempotencyKeySchema = z
  .string()
  .min(1, 'Use 1 to 100 characters.')
  .max(100, 'Use 1 to 100 characters.')
  .regex(/^[A-Za-z0-9_.:-]+$/, 'Use letters, digits, ".", ":", "-" and "_".');

/** In characters. */
export const longestProjectName = 100;

export const projectNameSchema = z
  .string({ error: 'Enter a name.' })
  .trim()
  .min(1, 'Enter a name.')
  .max(longestProjectName, 'Use at most 100 characters.')
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9 _-]*$/,
    'Use letters, digits, spaces, "-" and "_", and start with a letter or a digit.',
  );

export const projectDescriptionSchema = z
  .string({ error: 'Enter the description as text.' })
  .trim()
  .max(2000, 'Use at most 2,000 characters.')
  .refine((text) => !controlCharacters.test(text) && text.isWellFormed(), 'Remove the control characters.');

/** `user@host:path`: any user name, because some servers have another one than git. An IPv6 address has brackets. */
const scpLikeUrl =
  /^[A-Za-z0-9_][A-Za-z0-9._+-]*@(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]):(?!\/\/)[^\s:@\\]+$/;

const credentialsProblem =
  'Remove the user name, password or token from the URL: credentials are never stored with a project.';
/** The name of a parameter that holds a credential. */
const credentialName = /token|passw|secret|api[._-]?key|credential|signature|^auth|^key$|^sig$|^pat$|^pwd$/i;

/** Whether a parameter after "?" or "#" has the name of a credential. */
function hasCredentialParameter(text: string): boolean {
  const parameters = text.split(/[?#]/).slice(1).join('&');
  return [...new URLSearchParams(parameters.replaceAll(';', '&')).keys()].some((name) => credentialName.test(name));
}

function repositoryUrlProblem(text: string): string | null {
  // \p{Cf} matches invisible characters and those that change the reading direction. They make one URL look like another.
  if (/[\s\p{Cc}\p{Cf}\\<>"'`]/u.test(text) || !text.isWellFormed()) {
    return 'Remove spaces, quotes, backslashes and control characters from the URL.';
  }
  if (hasCredentialParameter(text)) return credentialsProblem;
  if (scpLikeUrl.test(text)) return null;
  const form = 'Use a URL such as https://host/owner/repository, ssh://git@host/path or git@host:path.';
  if (/^[^/:@]+:[^/@]*@/.test(text)) return credentialsProblem; // user:password@host:path
  if (!/^(https?|ssh):\/\/[^/]/i.test(text) || !URL.canParse(text)) return form;
  const url = new URL(text);
  if (url.hostname === '') return form;
  const userName = decode(url.username);
  if (userName === null) return form;
  // git passes these parts to other programs, which read a leading dash as an option (CVE-2017-1000117).
  if (url.hostname.startsWith('-') || userName.startsWith('-')) return form;
  if (url.password !== '' || userName.includes(':') || (userName !== '' && url.protocol !== 'ssh:')) {
    return credentialsProblem;
  }
  return null;
}

/** `null` if the text has a "%" that begins no encoded character. */
function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** https://, http://, ssh:// or user@host:path, at most 2,048 characters, without credentials. */
export const repoUrlSchema = z
  .string({ error: 'Enter the repository URL as text.' })
  .trim()
  .max(2048, 'Use at most 2,048 characters.')
  .superRefine((text, context) => {
    const problem = text.length > 2048 ? null : repositoryUrlProblem(text);
    if (problem !== null) context.addIssue({ code: 'custom', message: problem });
  });

export const projectIdSchema = z.uuid('This is not a project id: it should look like a UUID.');

export const isoDateTimeSchema = z.iso.datetime({ offset: true });
