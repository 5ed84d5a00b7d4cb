/** The configuration of the gateway: reads environment variables into one typed object. */

import { z } from 'zod';

import { accessVariables, workspaceDomainCheck, workspaceUrlOf } from '../shared/node/access/access-variables.ts';
import {
  commonVariables,
  hostVariable,
  integerVariable,
  readEnvironment,
  sizesCheck,
} from '../shared/node/environment.ts';
import { toSizeRules, type SizeRules } from '../shared/node/sizes/size-rules.ts';
import { brokerVariables, toBrokerConfig, type BrokerConfig } from './broker/broker-config.ts';

/** Every environment variable that `npm run gateway` reads. */
export const gatewayVariables = z
  .object({
    ...commonVariables,
    ...accessVariables,
    ACCESS_SECRET: commonVariables.ACCESS_SECRET.unwrap(),
    PUBLIC_URL: accessVariables.PUBLIC_URL.unwrap(),
    WORKSPACE_DOMAIN: accessVariables.WORKSPACE_DOMAIN.unwrap(),
    HOST: hostVariable.describe('The address to listen on.'),
    GATEWAY_PORT: integerVariable('GATEWAY_PORT', { min: 0, max: 65_535, fallback: 3082 }).describe(
      'The TCP port of `npm run gateway`; 0 means any free port. `npm start` serves projects at its own port.',
    ),
    GATEWAY_MAX_BODY_MIB: integerVariable('GATEWAY_MAX_BODY_MIB', { min: 1, max: 1_000_000, fallback: 1_024 }).describe(
      'The largest body that is passed to a project, in MiB.',
    ),
    GATEWAY_MAX_CONNECTIONS: integerVariable('GATEWAY_MAX_CONNECTIONS', {
      min: 1,
      max: 100_000,
      fallback: 256,
    }).describe('How many requests and WebSockets one person may have open at the same time, in each process.'),
    GATEWAY_RATE_LIMIT_PER_MINUTE: integerVariable('GATEWAY_RATE_LIMIT_PER_MINUTE', {
      min: 60,
      max: 10_000_000,
      fallback: 60_000,
    }).describe('Requests and WebSockets to projects from one address per minute, in each process.'),
    ...brokerVariables,
  })
  .check(workspaceDomainCheck, sizesCheck);

export interface GatewayConfig {
  databaseUrl: string;
  redisUrl: string;
  logLevel: z.infer<typeof commonVariables.LOG_LEVEL>;
  /** The base URL of the OpenTelemetry collector; `null` disables traces. */
  otlpEndpoint: string | null;
  /** 0 means any free port. */
  port: number;
  host: string;
  /** The origin of the product, without a slash at the end. */
  publicUrl: string;
  /** Scheme, domain and port of all projects, such as `https://workspaces.example.com`. */
  workspaceUrl: string;
  accessSecret: string;
  accessSecretPrevious: string | null;
  sessionSecret: string;
  maxBodyBytes: number;
  maxConnectionsPerUser: number;
  rateLimitPerMinute: number;
  trustedProxies: number;
  /** A waiting page can start its project. */
  sizeRules: SizeRules;
  broker: BrokerConfig;
}

/**
 * Reads the configuration.
 * @throws ConfigurationError that names every wrong variable
 */
export function readGatewayConfig(env: Record<string, string | undefined>): GatewayConfig {
  return toGatewayConfig(readEnvironment(gatewayVariables, env));
}

export function toGatewayConfig(variables: z.infer<typeof gatewayVariables>): GatewayConfig {
  const { PUBLIC_URL: publicUrl, WORKSPACE_DOMAIN: domain } = variables;
  return {
    databaseUrl: variables.DATABASE_URL,
    redisUrl: variables.REDIS_URL,
    logLevel: variables.LOG_LEVEL,
    otlpEndpoint: variables.OTEL_EXPORTER_OTLP_ENDPOINT ?? null,
    port: variables.GATEWAY_PORT,
    host: variables.HOST,
    publicUrl,
    workspaceUrl: workspaceUrlOf({ publicUrl, domain }),
    accessSecret: variables.ACCESS_SECRET,
    accessSecretPrevious: variables.ACCESS_SECRET_PREVIOUS ?? null,
    sessionSecret: variables.SESSION_SECRET,
    maxBodyBytes: variables.GATEWAY_MAX_BODY_MIB * 1_048_576,
    maxConnectionsPerUser: variables.GATEWAY_MAX_CONNECTIONS,
    rateLimitPerMinute: variables.GATEWAY_RATE_LIMIT_PER_MINUTE,
    trustedProxies: variables.TRUSTED_PROXIES,
    sizeRules: toSizeRules(variables),
    broker: toBrokerConfig(variables),
  };
}
