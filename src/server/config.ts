/** The server's configuration: environment variables in, one typed object out. */

import { z } from 'zod';

import { commonVariables, integerVariable, readEnvironment } from '../shared/node/environment.ts';

const issuerUrl = z.url({ protocol: /^https?$/, error: 'must be the URL of an OpenID Connect issuer.' });

const publicUrl = z
  .url({ protocol: /^https?$/, error: 'must be the URL at which people open the application.' })
  .refine(
    (text) => URL.canParse(text) && new URL(text).pathname === '/' && new URL(text).search === '',
    'must be scheme, host and port alone, without a path.',
  )
  .transform((text) => new URL(text).origin);

/** Every variable that `npm run server` reads, and its shape. */
export const serverVariables = z.object({
  ...commonVariables,
  PORT: integerVariable('PORT', { min: 0, max: 65_535, fallback: 3080 }).describe(
    'The TCP port to listen on; 0: any free one.',
  ),
  HOST: z
    .string()
    .max(255, 'must be a host name or an address.')
    .default('0.0.0.0')
    .describe('The address to listen on. `npm start`: 127.0.0.1.'),
  PUBLIC_URL: publicUrl
    .optional()
    .describe('The origin that browsers see; `http://localhost:PORT` where it is not set.'),
  OIDC_ISSUER: issuerUrl.describe('The OpenID Connect issuer, exactly as its tokens name it.'),
  OIDC_DISCOVERY_URL: issuerUrl
    .refine((text) => text.includes('/.well-known/'), 'must be the whole URL, with /.well-known/openid-configuration.')
    .optional()
    .describe("The issuer's metadata, where the server reaches the issuer at another address than browsers do."),
  OIDC_CLIENT_ID: z.string().describe('Our client at the issuer; its redirect address is `PUBLIC_URL/auth/callback`.'),
  OIDC_CLIENT_SECRET: z
    .string()
    .optional()
    .describe('Where it is not set the client is a public one, which PKCE alone protects.'),
  OIDC_AUDIENCE: z
    .string()
    .optional()
    .describe(
      'The audience that access tokens of the issuer must have to be taken as bearer tokens; the client id where it is not set.',
    ),
  SESSION_SECRET: z
    .string()
    .min(32, 'must be a secret of at least 32 characters: take random ones.')
    .describe('Signs the cookies of sessions; at least 32 characters. `npm start` draws one.'),
  MAX_PROJECTS_PER_USER: integerVariable('MAX_PROJECTS_PER_USER', { min: 1, max: 100_000, fallback: 20 }).describe(
    'How many live projects one person may have.',
  ),
  RATE_LIMIT_PER_MINUTE: integerVariable('RATE_LIMIT_PER_MINUTE', {
    min: 60,
    max: 10_000_000,
    fallback: 6_000,
  }).describe(
    'Calls of one user a minute, in each process; the other limits (docs/operations/limits.md) follow from it.',
  ),
  TRUSTED_PROXIES: integerVariable('TRUSTED_PROXIES', { min: 0, max: 10, fallback: 0 }).describe(
    'How many proxies stand before the server and may say who the client is.',
  ),
});

export interface ServerConfig {
  databaseUrl: string;
  redisUrl: string;
  kubeNamespace: string;
  logLevel: z.infer<typeof commonVariables.LOG_LEVEL>;
  /** Base URL of the OpenTelemetry collector; `null`: no traces. */
  otlpEndpoint: string | null;
  /** 0: any free port. */
  port: number;
  host: string;
  /** Origin that browsers see, without a slash at the end; `null`: `http://localhost:` and the port. */
  publicUrl: string | null;
  oidc: {
    issuer: string;
    discoveryUrl: string | null;
    clientId: string;
    clientSecret: string | null;
    audience: string;
  };
  sessionSecret: string;
  maxProjectsPerUser: number;
  rateLimitPerMinute: number;
  trustedProxies: number;
}

/**
 * Reads the configuration.
 * @throws ConfigurationError naming every wrong variable at once
 */
export function readServerConfig(env: Record<string, string | undefined>): ServerConfig {
  return toServerConfig(readEnvironment(serverVariables, env));
}

export function toServerConfig(variables: z.infer<typeof serverVariables>): ServerConfig {
  return {
    databaseUrl: variables.DATABASE_URL,
    redisUrl: variables.REDIS_URL,
    kubeNamespace: variables.KUBE_NAMESPACE,
    logLevel: variables.LOG_LEVEL,
    otlpEndpoint: variables.OTEL_EXPORTER_OTLP_ENDPOINT ?? null,
    port: variables.PORT,
    host: variables.HOST,
    publicUrl: variables.PUBLIC_URL ?? null,
    oidc: {
      issuer: variables.OIDC_ISSUER,
      discoveryUrl: variables.OIDC_DISCOVERY_URL ?? null,
      clientId: variables.OIDC_CLIENT_ID,
      clientSecret: variables.OIDC_CLIENT_SECRET ?? null,
      audience: variables.OIDC_AUDIENCE ?? variables.OIDC_CLIENT_ID,
    },
    sessionSecret: variables.SESSION_SECRET,
    maxProjectsPerUser: variables.MAX_PROJECTS_PER_USER,
    rateLimitPerMinute: variables.RATE_LIMIT_PER_MINUTE,
    trustedProxies: variables.TRUSTED_PROXIES,
  };
}
