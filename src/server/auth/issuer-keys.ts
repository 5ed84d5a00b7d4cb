/**
 * The issuer's public signing keys. The last keys that were read stay valid until newer ones are read, so an outage of the
 * issuer locks nobody out. A token that was signed with an unknown key makes the server read the keys again.
 */

import { createLocalJWKSet, errors, type FlattenedJWSInput, type JWSHeaderParameters } from 'jose';
import { z } from 'zod';

import type { Clock } from '../../shared/clock.ts';
import { AppError } from '../../shared/contract/errors.ts';
import type { Log } from '../../shared/node/log.ts';
import { fetchOnNewConnection } from './fetch-on-new-connection.ts';

/** Tokens with invented key ids cause at most one request to the issuer in this time. */
const rereadIntervalMs = 1_000;

const keysSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) });
type Keys = z.infer<typeof keysSchema>;

interface IssuerKeys {
  known: () => Keys | null;
  /** Reads the keys; if that fails, the previous keys stay. Never throws. */
  read: (url: string | undefined) => Promise<void>;
  /**
   * The key that the header of a token names.
   * @throws JWKSNoMatchingKey of jose if the issuer has no such key
   * @throws AppError UNAVAILABLE if that is unknown because the keys could not be read
   */
  find: (url: string | undefined, head: JWSHeaderParameters, token: FlattenedJWSInput) => Promise<CryptoKey>;
}

export function createIssuerKeys({ timeoutMs, clock, log }: { timeoutMs: number; clock: Clock; log: Log }): IssuerKeys {
  let known: { keys: Keys; find: ReturnType<typeof createLocalJWKSet> } | null = null;
  let failure: { error: unknown } | null = null;
  let rereadAtMs = -Infinity;
  let rereading: Promise<void> | null = null;

  async function read(url: string | undefined): Promise<void> {
    if (url === undefined) return;
    try {
      const response = await fetchOnNewConnection(url, { signal: AbortSignal.timeout(timeoutMs) });
      const keys = keysSchema.parse(await response.json());
      known = { keys, find: createLocalJWKSet(keys) };
      failure = null;
    } catch (error) {
      failure = { error };
      log.warn({ error: String(error), url }, 'the keys of the issuer could not be read');
    }
  }

  /** Concurrent callers share one request, and callers within `rereadIntervalMs` share its answer. */
  async function reread(url: string | undefined): Promise<void> {
    if (!rereading && clock.now() - rereadAtMs < rereadIntervalMs) return;
    rereading ??= read(url).finally(() => {
      rereadAtMs = clock.now();
      rereading = null;
    });
    await rereading;
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
      await reread(url);
      if (!known || failure) throw unavailable(failure?.error);
      return known.find(head, token);
    },
  };
}

export function unavailable(cause: unknown): AppError {
  if (cause instanceof AppError) return cause; // it says what to do
  return new AppError('UNAVAILABLE', 'The sign-in service does not answer right now. Try again in a minute.', {
    retryAfterSeconds: 10,
    cause,
  });
}
