/**
 * The OpenID Connect issuer. Its metadata and keys are read when they are first needed, and again when they are old. So the
 * server starts and runs without the issuer, and uses what it has read before during an outage.
 */

import type { JWTVerifyGetKey } from 'jose';
import {
  allowInsecureRequests,
  ClientSecretBasic,
  clockTolerance,
  Configuration,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  None,
  setJwksCache,
  type ServerMetadata,
} from 'openid-client';

import type { Clock } from '../../shared/clock.ts';
import { AppError } from '../../shared/contract/errors.ts';
import { createLimitedWarn } from '../../shared/node/log-limit.ts';
import type { Log } from '../../shared/node/log.ts';
import { fetchOnNewConnection } from './fetch-on-new-connection.ts';
import { createIssuerKeys, unavailable } from './issuer-keys.ts';

/** How long metadata and keys are used before they are read again. A withdrawn key is accepted no longer than this. */
const metadataTtlMs = 10 * 60 * 1000;
/** How long an answer of the issuer counts as proof that it is available. */
const answeringTtlMs = 5_000;
/** After a failure the issuer is not requested again for this time. */
const failureTtlMs = 1_000;
/** The time limit for one request to the issuer. */
const timeoutSeconds = 5;
/**
 * openid-client reads the keys again for an unknown key only if its keys are older than this. We give it keys with this age,
 * so that a new key of the issuer is accepted at once instead of after a minute.
 */
const rereadKeysAfterSeconds = 60;
/** The allowed difference between the issuer's clock and ours at a sign-in. Its ID token is used once, immediately. */
const idTokenToleranceSeconds = 30;

export interface Issuer {
  /**
   * The configuration for sending a person to the issuer: the issuer answered within the last seconds.
   * @throws AppError UNAVAILABLE while the issuer does not answer
   */
  answering(): Promise<Configuration>;
  /**
   * The configuration for checking what the issuer sent. It is also available during an outage of the issuer.
   * @throws AppError UNAVAILABLE until the issuer has answered once
   */
  configuration(): Promise<Configuration>;
  /**
   * The issuer's name in its tokens, and the keys that verify them. It does not wait for an issuer that failed recently.
   * @throws AppError UNAVAILABLE until the issuer has answered once; `keyFor` throws it while the key is unknown
   */
  signer(): Promise<{ name: string; keyFor: JWTVerifyGetKey }>;
}

interface IssuerSettings {
  issuer: string;
  /** The complete URL of the metadata; `null` means below the issuer's own URL. */
  discoveryUrl: string | null;
  clientId: string;
  clientSecret: string | null;
}

export function createIssuer({ settings, clock, log }: { settings: IssuerSettings; clock: Clock; log: Log }): Issuer {
  const { clientId, clientSecret } = settings;
  // With the whole URL, openid-client leaves the comparison of the names to us.
  const url = new URL(
    settings.discoveryUrl ?? `${settings.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
  );
  // Requests to the issuer use https. An issuer whose own URL is plain http is a development issuer.
  const extensions = [enableNonRepudiationChecks, ...(url.protocol === 'http:' ? [allowInsecureRequests] : [])];
  const authentication = clientSecret === null ? None() : ClientSecretBasic(clientSecret);
  const warn = createLimitedWarn(log);
  const keys = createIssuerKeys({ timeoutMs: timeoutSeconds * 1_000, clock, log });
  let known: { metadata: ServerMetadata; atMs: number } | null = null;
  let failure: { error: unknown; atMs: number } | null = null;
  let running: Promise<void> | null = null;

  async function read(): Promise<void> {
    try {
      const found = await discovery(url, clientId, undefined, authentication, {
        execute: extensions,
        timeout: timeoutSeconds,
        [customFetch]: fetchOnNewConnection,
      });
      const metadata = found.serverMetadata();
      if (!isSameIssuer(metadata.issuer, settings.issuer)) throw misconfigured(metadata.issuer, settings.issuer);
      await keys.read(metadata.jwks_uri);
      known = { metadata, atMs: clock.now() };
      failure = null;
    } catch (error) {
      failure = { error, atMs: clock.now() };
      const fields = { error: String(error), status: statusOf(error), url: url.href };
      warn(fields.error, fields, 'the issuer cannot be used');
    }
  }

  async function refresh(maxAgeMs: number): Promise<void> {
    if (known && clock.now() - known.atMs < maxAgeMs) return;
    if (failure && clock.now() - failure.atMs < failureTtlMs) return;
    running ??= read().finally(() => {
      running = null;
    });
    await running;
  }

  /** Creates a new configuration each time: openid-client stores keys in it and reads the given keys only once. */
  function build(): Configuration {
    if (!known) throw unavailable(failure?.error);
    const client = { [clockTolerance]: idTokenToleranceSeconds };
    const configuration = new Configuration(known.metadata, clientId, client, authentication);
    for (const extend of extensions) extend(configuration);
    configuration.timeout = timeoutSeconds;
    configuration[customFetch] = fetchOnNewConnection;
    const uat = Math.floor(Date.now() / 1000) - rereadKeysAfterSeconds; // openid-client reads the real clock
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

/** Whether two spellings mean one issuer: a slash at the end makes no other one. Tokens bear the name of the metadata. */
function isSameIssuer(one: string, other: string): boolean {
  const [a, b] = [one, other].map((name) => URL.parse(name)?.href.replace(/\/$/, ''));
  return a !== undefined && a === b;
}

/** It lasts until somebody changes the configuration, so no answer asks people to try again. */
function misconfigured(found: string, configured: string): AppError {
  const message = `Sign-in is not configured correctly: OIDC_ISSUER is ${configured}, and the metadata there belong to the issuer ${found}. An administrator has to correct OIDC_ISSUER or OIDC_DISCOVERY_URL.`;
  return new AppError('UNAVAILABLE', message);
}

/** The HTTP status that openid-client did not expect; `undefined` when the issuer sent no answer at all. */
function statusOf(error: unknown): number | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Response ? cause.status : undefined;
}
