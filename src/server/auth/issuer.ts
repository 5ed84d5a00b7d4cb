/**
 * The OpenID Connect issuer, as openid-client sees it. Its metadata is fetched when it is first needed, and again after a
 * failure: the server starts and stays up without it.
 */
import {
  allowInsecureRequests,
  ClientSecretBasic,
  discovery,
  enableNonRepudiationChecks,
  None,
  type Configuration,
} from 'openid-client';

import { AppError } from '../../shared/contract/errors.ts';
import type { Log } from '../../shared/node/log.ts';

/** How long the metadata is taken for true. Keys are followed by openid-client itself. */
const metadataTtlMs = 10 * 60 * 1000;
/** After a failure nobody waits for the issuer again for so long. */
const failureTtlMs = 1_000;

export interface Issuer {
  /** @throws AppError UNAVAILABLE while the issuer does not answer */
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
  let known: { configuration: Configuration; atMs: number } | null = null;
  let failedAtMs = -Infinity;
  let running: Promise<Configuration> | null = null;

  async function discover(): Promise<Configuration> {
    const url = new URL(settings.issuer);
    // Everything about the issuer travels over https, unless its own URL says plain http: then it is a development one.
    const extensions = [enableNonRepudiationChecks, ...(url.protocol === 'http:' ? [allowInsecureRequests] : [])];
    const authentication = settings.clientSecret === null ? None() : ClientSecretBasic(settings.clientSecret);
    try {
      const configuration = await discovery(url, settings.clientId, undefined, authentication, {
        execute: extensions,
        timeout: 5,
      });
      configuration.timeout = 5;
      known = { configuration, atMs: now() };
      return configuration;
    } catch (error) {
      failedAtMs = now();
      log.warn({ error: String(error), issuer: settings.issuer }, 'the issuer does not answer');
      if (known) return known.configuration; // yesterday's metadata is better than none
      throw unavailable(error);
    }
  }

  return {
    async configuration() {
      if (known && now() - known.atMs < metadataTtlMs) return known.configuration;
      if (now() - failedAtMs < failureTtlMs) {
        if (known) return known.configuration;
        throw unavailable(undefined);
      }
      running ??= discover().finally(() => {
        running = null;
      });
      return running;
    },
  };
}

export function unavailable(cause: unknown): AppError {
  return new AppError('UNAVAILABLE', 'The sign-in service does not answer right now. Try again in a minute.', {
    retryAfterSeconds: 10,
    cause,
  });
}
