/**
 * The public keys by which the issuer signs. Those that were read last are good until newer ones could be read, so that
 * an issuer that is away takes nobody's access; a token with a key that is not among them lets them be read once more.
 */

import {
  createLocalJWKSet,
  errors,
  type FlattenedJWSInput,
  type JWSHeaderParameters,
  type JWTVerifyGetKey,
} from 'jose';
import { z } from 'zod';

import { AppError } from '../../shared/contract/errors.ts';
import type { Log } from '../../shared/node/log.ts';

/** Tokens with made-up keys make us ask the issuer no more often than this. */
const askAgainMs = 1_000;

const keysSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) });
type Keys = z.infer<typeof keysSchema>;

export interface IssuerKeys {
  known: () => Keys | null;
  /** Reads them; those of before stay when that fails. Never throws. */
  read: (url: string | undefined) => Promise<void>;
  /**
   * The key that belongs to the head of a token.
   * @throws JWKSNoMatchingKey of jose when the issuer has no such key
   * @throws AppError UNAVAILABLE when that cannot be said, for the keys could not be read
   */
  find: (url: string | undefined, head: JWSHeaderParameters, token: FlattenedJWSInput) => Promise<CryptoKey>;
}

export function createIssuerKeys({
  timeoutMs,
  now,
  log,
}: {
  timeoutMs: number;
  now: () => number;
  log: Log;
}): IssuerKeys {
  let known: { keys: Keys; find: ReturnType<typeof createLocalJWKSet> } | null = null;
  let failure: { error: unknown } | null = null;
  let askedAgainAtMs = -Infinity;
  let asking: Promise<void> | null = null;

  async function read(url: string | undefined): Promise<void> {
    if (url === undefined) return;
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
      const keys = keysSchema.parse(await response.json());
      known = { keys, find: createLocalJWKSet(keys) };
      failure = null;
    } catch (error) {
      failure = { error };
      log.warn({ error: String(error), url }, 'the keys of the issuer could not be read');
    }
  }

  /** Callers with new keys share one request, and within `askAgainMs` its answer. */
  async function askAgain(url: string | undefined): Promise<void> {
    if (!asking && now() - askedAgainAtMs < askAgainMs) return;
    asking ??= read(url).finally(() => {
      askedAgainAtMs = now();
      asking = null;
    });
    await asking;
  }

  return {
    known: () => known?.keys ?? null,
    read,
    async find(url, head, token) {
      try {
        if (known) return await known.find(head, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      }
      await askAgain(url);
      if (!known || failure) throw unavailable(failure?.error);
      return known.find(head, token);
    },
  };
}

/** As jose wants it. */
export type KeyFor = JWTVerifyGetKey;

export function unavailable(cause: unknown): AppError {
  return new AppError('UNAVAILABLE', 'The sign-in service does not answer right now. Try again in a minute.', {
    retryAfterSeconds: 10,
    cause,
  });
}
