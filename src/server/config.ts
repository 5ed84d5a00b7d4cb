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
  PORT: integerVariable('PORT', { min: 0, max: 65_535, fallback: 3080 }),
  HOST: z.string().max(255, 'must be a host name or an address.').default('0.0.0.0'),
  PUBLIC_URL: publicUrl.optional(),
  OIDC_ISSUER: issuerUrl,
  OIDC_CLIENT_ID: z.string(),
  /** Not set: a public client, which PKCE alone protects. */
  OIDC_CLIENT_SECRET: z.string().optional(),
  OIDC_AUDIENCE: z.string().optional(),
  SESSION_SECRET: z.string().min(32, 'must be a secret of at least 32 characters: take random ones.'),
  MAX_PROJECTS_PER_USER: integerVariable('MAX_PROJECTS_PER_USER', { min: 1, max: 100_000, fallback: 20 }),
  /** Calls of one user a minute, in one process; see `limits.ts` for what follows from it. */
  RATE_LIMIT_PER_MINUTE: integerVariable('RATE_LIMIT_PER_MINUTE', { min: 60, max: 10_000_000, fallback: 6_000 }),
  /** How many proxies stand before the server and may say who the client is. */
  TRUSTED_PROXIES: integerVariable('TRUSTED_PROXIES', { min: 0, max: 10, fallback: 0 }),
});

export interface ServerConfig {
  databaseUrl: string;
  redisUrl: string;
  kubeNamespace: string;
  logLevel: z.infer<typeof commonVariables.LOG_LEVEL>;
  /** 0: any free port. */
  port: number;
  host: string;
  /** Origin that browsers see, without a slash at the end; `null`: `http://localhost:` and the port. */
  publicUrl: string | null;
  oidc: { issuer: string; clientId: string; clientSecret: string | null; audience: string };
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
    port: variables.PORT,
    host: variables.HOST,
    publicUrl: variables.PUBLIC_URL ?? null,
    oidc: {
      issuer: variables.OIDC_ISSUER,
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
