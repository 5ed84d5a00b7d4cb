/** The server's configuration: reads environment variables into one typed object. */

import { z } from 'zod';

import type { InstallationIdleStop } from '../shared/contract/idle-stop.ts';
import { accessVariables, workspaceDomainCheck } from '../shared/node/access/access-variables.ts';
import {
  commonVariables,
  hostVariable,
  idleStopVariable,
  trashDaysVariable,
  integerVariable,
  readEnvironment,
  sizesCheck,
} from '../shared/node/environment.ts';
import type { KeyEncryptionSecrets } from '../shared/node/models/key-encryption.ts';
import { keyEncryptionVariables, toKeyEncryptionSecrets } from '../shared/node/models/key-variables.ts';
import { serviceUrl } from '../shared/node/service-url.ts';
import { toSizeRules, type SizeRules } from '../shared/node/sizes/size-rules.ts';
import type { AdministratorSettings } from './admin/administrators.ts';

const issuerUrl = serviceUrl({ protocol: /^https?$/, error: 'must be the URL of an OpenID Connect issuer.' });

/** Every environment variable that `npm run server` reads. */
export const serverVariables = z
  .object({
    ...commonVariables,
    PORT: integerVariable('PORT', { min: 0, max: 65_535, fallback: 3080 }).describe(
      'The TCP port to listen on; 0 means any free port.',
    ),
    HOST: hostVariable.describe('The address to listen on. `npm start`: 127.0.0.1.'),
    PUBLIC_URL: accessVariables.PUBLIC_URL,
    OIDC_ISSUER: issuerUrl.describe(
      'The OpenID Connect issuer, exactly as its tokens name it. Read "Change the issuer" in the runbook before you change it.',
    ),
    OIDC_DISCOVERY_URL: issuerUrl
      .refine(
        (text) => text.includes('/.well-known/'),
        'must be the whole URL, with /.well-known/openid-configuration.',
      )
      .optional()
      .describe(
        "The URL of the issuer's metadata, if the server reaches the issuer at another address than browsers do.",
      ),
    OIDC_CLIENT_ID: z
      .string()
      .describe('The id of this application at the issuer; its redirect URL is `PUBLIC_URL/auth/callback`.'),
    OIDC_CLIENT_SECRET: z
      .string()
      .optional()
      .describe(
        'The secret of this application at the issuer. Without it the application is a public client, which only PKCE protects.',
      ),
    OIDC_AUDIENCE: z
      .string()
      .optional()
      .describe(
        "The audience that the issuer's access tokens must have to be accepted as bearer tokens; default: the client id.",
      ),
    SESSION_SECRET: accessVariables.SESSION_SECRET,
    ACCESS_SECRET_PREVIOUS: accessVariables.ACCESS_SECRET_PREVIOUS,
    WORKSPACE_DOMAIN: accessVariables.WORKSPACE_DOMAIN,
    ...keyEncryptionVariables,
    MAX_PROJECTS_PER_USER: integerVariable('MAX_PROJECTS_PER_USER', { min: 1, max: 100_000, fallback: 20 }).describe(
      'How many projects one person may have; deleted projects do not count.',
    ),
    IDLE_STOP_DEFAULT: idleStopVariable,
    TRASH_DAYS: trashDaysVariable,
    ADMIN_EMAILS: z
      .string()
      .default('')
      .transform((text) => text.split(',').flatMap((part) => part.trim().toLowerCase() || []))
      .refine((emails) => emails.every((email) => /^[^\s@]+@[^\s@]+$/.test(email)), {
        error: 'must be e-mail addresses with commas between them.',
      })
      .describe(
        'The e-mail addresses of administrators, with commas between them. An address counts only if the issuer has said at the last sign-in that it is confirmed (`email_verified`).',
      ),
    ADMIN_GROUP: z
      .string()
      .optional()
      .describe(
        'A group whose members are administrators, as the issuer names it in the claim `groups` of the ID token. It is read at each sign-in, so a new group counts for nobody before.',
      ),
    AUDIT_DAYS: integerVariable('AUDIT_DAYS', { min: 1, max: 3_650, fallback: 365 }).describe(
      'How many days entries of the audit log are kept.',
    ),
    RATE_LIMIT_PER_MINUTE: integerVariable('RATE_LIMIT_PER_MINUTE', {
      min: 60,
      max: 10_000_000,
      fallback: 6_000,
    }).describe(
      'Calls of one user per minute, in each process. The other limits are derived from it (docs/operations/limits.md).',
    ),
    TRUSTED_PROXIES: accessVariables.TRUSTED_PROXIES,
  })
  .check(workspaceDomainCheck, sizesCheck);

export interface ServerConfig {
  databaseUrl: string;
  redisUrl: string;
  kubeNamespace: string;
  logLevel: z.infer<typeof commonVariables.LOG_LEVEL>;
  /** The base URL of the OpenTelemetry collector; `null` disables traces. */
  otlpEndpoint: string | null;
  /** 0 means any free port. */
  port: number;
  host: string;
  /** The origin that browsers see, without a slash at the end; `null` means `http://localhost:` and the port. */
  publicUrl: string | null;
  oidc: {
    issuer: string;
    /** The issuer under which its people are stored. */
    identityIssuer: string;
    discoveryUrl: string | null;
    clientId: string;
    clientSecret: string | null;
    audience: string;
  };
  sessionSecret: string;
  /** Where projects have their origins, such as `workspaces.example.com`; `null`: nobody can open a project. */
  workspaceDomain: string | null;
  /** Without it pods have no credentials, and nobody can open a project or see its files. */
  accessSecret: string | null;
  accessSecretPrevious: string | null;
  /** `null`: nobody can store a model key. */
  keyEncryption: KeyEncryptionSecrets | null;
  maxProjectsPerUser: number;
  /** When unused projects without a choice of their own are stopped. */
  idleStopDefault: InstallationIdleStop;
  administrators: AdministratorSettings;
  /** How long entries of the audit log are kept. */
  auditDays: number;
  /** 0: there is no trash. */
  trashDays: number;
  /** The sizes of projects, and what one person may use at the same time. */
  sizeRules: SizeRules;
  rateLimitPerMinute: number;
  trustedProxies: number;
}

/**
 * Reads the configuration.
 * @throws ConfigurationError that names every wrong variable
 */
export function readServerConfig(env: Record<string, string | undefined>): ServerConfig {
  return toServerConfig(readEnvironment(serverVariables, env));
}

/** One spelling for each issuer: a slash at its end or its port 443 does not make another issuer. */
function identityIssuer(issuer: string): string {
  return new URL(issuer).href.replace(/\/$/, '');
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
      identityIssuer: identityIssuer(variables.OIDC_ISSUER),
      discoveryUrl: variables.OIDC_DISCOVERY_URL ?? null,
      clientId: variables.OIDC_CLIENT_ID,
      clientSecret: variables.OIDC_CLIENT_SECRET ?? null,
      audience: variables.OIDC_AUDIENCE ?? variables.OIDC_CLIENT_ID,
    },
    sessionSecret: variables.SESSION_SECRET,
    workspaceDomain: variables.WORKSPACE_DOMAIN ?? null,
    accessSecret: variables.ACCESS_SECRET ?? null,
    accessSecretPrevious: variables.ACCESS_SECRET_PREVIOUS ?? null,
    keyEncryption: toKeyEncryptionSecrets(variables),
    maxProjectsPerUser: variables.MAX_PROJECTS_PER_USER,
    idleStopDefault: variables.IDLE_STOP_DEFAULT,
    administrators: { emails: new Set(variables.ADMIN_EMAILS), group: variables.ADMIN_GROUP ?? null },
    auditDays: variables.AUDIT_DAYS,
    trashDays: variables.TRASH_DAYS,
    sizeRules: toSizeRules(variables),
    rateLimitPerMinute: variables.RATE_LIMIT_PER_MINUTE,
    trustedProxies: variables.TRUSTED_PROXIES,
  };
}
