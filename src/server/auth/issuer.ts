/**
 * The OpenID Connect issuer, as openid-client sees it. Its metadata and keys are read when they are first needed, and
 * again when they are old: the server starts and stays up without it. What is known stays known while it is away.
 */
import {
  allowInsecureRequests,
  ClientSecretBasic,
  Configuration,
  discovery,
  enableNonRepudiationChecks,
  None,
  setJwksCache,
  type ServerMetadata,
} from 'openid-client';
import { z } from 'zod';

import { AppError } from '../../shared/contract/errors.ts';
import type { Log } from '../../shared/node/log.ts';

/** How long metadata and keys are taken for true: a key that the issuer has withdrawn is good for no longer. */
const metadataTtlMs = 10 * 60 * 1000;
/** How long an issuer that has answered is expected to answer still. */
const answeringTtlMs = 5_000;
/** After a failure nobody waits for the issuer again for so long. */
const failureTtlMs = 1_000;
/** For the issuer to answer one request. */
const timeoutSeconds = 5;
/**
 * Seconds after which openid-client asks again for a key that it does not know. Keys that it is given are said to be so
 * old already: a new key is then good at once, and not a minute after the old ones were read.
 */
const askAgainAgeSeconds = 60;

const keysSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) });
type Keys = z.infer<typeof keysSchema>;

export interface Issuer {
  /**
   * For sending somebody there: it has answered within the last seconds.
   * @throws AppError UNAVAILABLE while it does not
   */
  answering(): Promise<Configuration>;
  /**
   * For what comes from there, as it is known, also while it does not answer.
   * @throws AppError UNAVAILABLE as long as it has never answered
   */
  configuration(): Promise<Configuration>;
}

export interface IssuerSettings {
  issuer: string;
  clientId: string;
  clientSecret: string | null;
}

export function createIssuer({
  settings,
  now,
  log,
}: {
  settings: IssuerSettings;
  now: () => number;
  log: Log;
}): Issuer {
  const { clientId, clientSecret } = settings;
  const url = new URL(settings.issuer);
  // Everything about the issuer travels over https, unless its own URL says plain http: then it is a development one.
  const extensions = [enableNonRepudiationChecks, ...(url.protocol === 'http:' ? [allowInsecureRequests] : [])];
  const authentication = clientSecret === null ? None() : ClientSecretBasic(clientSecret);
  let known: { metadata: ServerMetadata; keys: Keys | null; atMs: number } | null = null;
  let failure: { error: unknown; atMs: number } | null = null;
  let running: Promise<void> | null = null;

  async function read(): Promise<void> {
    try {
      const found = await discovery(url, clientId, undefined, authentication, {
        execute: extensions,
        timeout: timeoutSeconds,
      });
      const metadata = found.serverMetadata();
      known = { metadata, keys: (await readKeys(metadata.jwks_uri)) ?? known?.keys ?? null, atMs: now() };
      failure = null;
    } catch (error) {
      failure = { error, atMs: now() };
      log.warn({ error: String(error), issuer: settings.issuer }, 'the issuer does not answer');
    }
  }

  /** `null` when they cannot be read: then those of before are good still, and a token may ask for them once more. */
  async function readKeys(keysUrl: string | undefined): Promise<Keys | null> {
    if (keysUrl === undefined) return null;
    try {
      const response = await fetch(keysUrl, { signal: AbortSignal.timeout(timeoutSeconds * 1_000) });
      return keysSchema.parse(await response.json());
    } catch (error) {
      log.warn({ error: String(error), issuer: settings.issuer }, 'the keys of the issuer could not be read');
      return null;
    }
  }

  async function refresh(maxAgeMs: number): Promise<void> {
    if (known && now() - known.atMs < maxAgeMs) return;
    if (failure && now() - failure.atMs < failureTtlMs) return;
    running ??= read().finally(() => {
      running = null;
    });
    await running;
  }

  /** A new one each time, for openid-client keeps keys with it and looks at those that it was given only once. */
  function build(): Configuration {
    if (!known) throw unavailable(failure?.error);
    const configuration = new Configuration(known.metadata, clientId, undefined, authentication);
    for (const extend of extensions) extend(configuration);
    configuration.timeout = timeoutSeconds;
    const uat = Math.floor(Date.now() / 1000) - askAgainAgeSeconds; // openid-client reads the real clock
    if (known.keys) setJwksCache(configuration, { jwks: known.keys, uat });
    return configuration;
  }

  return {
    async answering() {
      await refresh(answeringTtlMs);
      if (failure) throw unavailable(failure.error);
      return build();
    },
    async configuration() {
      await refresh(metadataTtlMs);
      return build();
    },
  };
}

export function unavailable(cause: unknown): AppError {
  return new AppError('UNAVAILABLE', 'The sign-in service does not answer right now. Try again in a minute.', {
    retryAfterSeconds: 10,
    cause,
  });
}
