/**
 * The OpenID Connect issuer, as openid-client sees it. Its metadata and keys are read when they are first needed, and
 * again when they are old: the server starts and stays up without it. What is known stays known while it is away.
 */

import {
  allowInsecureRequests,
  ClientSecretBasic,
  clockTolerance,
  Configuration,
  discovery,
  enableNonRepudiationChecks,
  None,
  setJwksCache,
  type ServerMetadata,
} from 'openid-client';

import type { Log } from '../../shared/node/log.ts';
import { createIssuerKeys, unavailable, type KeyFor } from './issuer-keys.ts';

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
/** How far the issuer's clock and ours may be apart at a sign-in, whose ID token is used once and at once. */
const idTokenToleranceSeconds = 30;

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
  /**
   * The issuer's name as its tokens say it, and the keys by which to verify them. Nobody waits for an issuer that is
   * known to be away.
   * @throws AppError UNAVAILABLE as long as it has never answered; so does `keyFor` when it cannot tell
   */
  signer(): Promise<{ name: string; keyFor: KeyFor }>;
}

export interface IssuerSettings {
  issuer: string;
  /** The whole URL of its metadata, where that is not found at the issuer's own; `null`: it is. */
  discoveryUrl: string | null;
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
  const url = new URL(settings.discoveryUrl ?? settings.issuer);
  // Everything about the issuer travels over https, unless its own URL says plain http: then it is a development one.
  const extensions = [enableNonRepudiationChecks, ...(url.protocol === 'http:' ? [allowInsecureRequests] : [])];
  const authentication = clientSecret === null ? None() : ClientSecretBasic(clientSecret);
  const keys = createIssuerKeys({ timeoutMs: timeoutSeconds * 1_000, now, log });
  let known: { metadata: ServerMetadata; atMs: number } | null = null;
  let failure: { error: unknown; atMs: number } | null = null;
  let running: Promise<void> | null = null;

  async function read(): Promise<void> {
    try {
      const found = await discovery(url, clientId, undefined, authentication, {
        execute: extensions,
        timeout: timeoutSeconds,
      });
      const metadata = found.serverMetadata();
      // Of another URL than the issuer's own openid-client believes any name.
      if (settings.discoveryUrl !== null && metadata.issuer !== settings.issuer) {
        throw new Error(`OIDC_DISCOVERY_URL leads to the issuer ${metadata.issuer}, which is not OIDC_ISSUER.`);
      }
      await keys.read(metadata.jwks_uri);
      known = { metadata, atMs: now() };
      failure = null;
    } catch (error) {
      failure = { error, atMs: now() };
      log.warn({ error: String(error), issuer: settings.issuer }, 'the issuer does not answer');
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
    const client = { [clockTolerance]: idTokenToleranceSeconds };
    const configuration = new Configuration(known.metadata, clientId, client, authentication);
    for (const extend of extensions) extend(configuration);
    configuration.timeout = timeoutSeconds;
    const uat = Math.floor(Date.now() / 1000) - askAgainAgeSeconds; // openid-client reads the real clock
    const jwks = keys.known();
    if (jwks) setJwksCache(configuration, { jwks, uat });
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
    async signer() {
      const reading = refresh(metadataTtlMs);
      if (!known || !failure) await reading;
      if (!known) throw unavailable(failure?.error);
      const { metadata } = known;
      return { name: metadata.issuer, keyFor: (head, token) => keys.find(metadata.jwks_uri, head, token) };
    },
  };
}
