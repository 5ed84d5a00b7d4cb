/**
 * The login of a computer without a browser, in the shape of RFC 8628: the computer gets a secret and a short code, a person who is
 * signed in types the code on the page `/device` and confirms, and the computer receives a personal access token.
 */

import { z } from 'zod';

import { isoDateTimeSchema } from './fields.ts';

/** Letters that cannot be mistaken for each other, and form no words (RFC 8628, section 6.1). */
export const userCodeLetters = 'BCDFGHJKLMNPQRSTVWXZ';
const userCodePattern = new RegExp(`^[${userCodeLetters}]{8}$`);

/** The code as it is stored, whatever the person has typed between its letters. `null`: no code looks like this. */
export function readUserCode(text: string): string | null {
  const code = text.toUpperCase().replace(/[\s-]/g, '');
  return userCodePattern.test(code) ? code : null;
}

/** As people read it: `BCDF-GHJK`. */
export const formatUserCode = (code: string): string => `${code.slice(0, 4)}-${code.slice(4)}`;

const longestDeviceName = 80;

/**
 * Of the computer. The person sees it when they decide, and the token gets it. Whoever asks has chosen it, so it must not look like a
 * text of the product.
 */
const deviceNameSchema = z
  .string()
  .max(longestDeviceName, `Use at most ${longestDeviceName} characters.`)
  .regex(
    /^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u,
    'Use letters, digits, ".", "_" and "-", and start with a letter or a digit.',
  );

export const startDeviceLoginInputSchema = z.strictObject({ name: deviceNameSchema });

/** The name of a computer as it may be sent. */
export function toDeviceName(hostname: string): string {
  const name = hostname
    .toWellFormed()
    .replace(/[^\p{L}\p{N}._-]+/gu, '-')
    .replace(/^[._-]+/, '');
  return /^.{1,40}/u.exec(name)?.[0] ?? 'computer'; // no half of a character
}

/** Times are in seconds. */
export const startedDeviceLoginSchema = z.object({
  /** The secret of the computer. It is returned only once. */
  deviceCode: z.string(),
  userCode: z.string(),
  verificationUri: z.string(),
  verificationUriComplete: z.string(),
  expiresIn: z.number(),
  interval: z.number(),
});
export type StartedDeviceLogin = z.infer<typeof startedDeviceLoginSchema>;

export const pollDeviceLoginInputSchema = z.strictObject({ deviceCode: z.string().min(1).max(100) });

export const polledDeviceLoginSchema = z.discriminatedUnion('status', [
  z.object({ status: z.literal('authorization_pending'), interval: z.number() }),
  /** The computer asks too often. From now on it has to wait for `interval` seconds. */
  z.object({ status: z.literal('slow_down'), interval: z.number() }),
  z.object({ status: z.literal('access_denied') }),
  /** Also for a code that is unknown, or was used. */
  z.object({ status: z.literal('expired_token') }),
  z.object({ status: z.literal('complete'), token: z.string(), expiresAt: isoDateTimeSchema }),
]);
export type PolledDeviceLogin = z.infer<typeof polledDeviceLoginSchema>;

export const userCodeInputSchema = z.strictObject({
  userCode: z.string().min(1, 'Enter the code.').max(64, 'The code has eight letters.'),
});

/** What the person sees of the computer that asks. */
export const waitingDeviceSchema = z.object({
  userCode: z.string(),
  name: z.string(),
  address: z.string(),
  startedAt: isoDateTimeSchema,
});
export type WaitingDevice = z.infer<typeof waitingDeviceSchema>;
