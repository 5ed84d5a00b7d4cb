/** Configuration from environment variables, parsed once at start. An error lists every wrong variable at once. */

import process from 'node:process';

import { z } from 'zod';

import { installationIdleStops } from '../contract/idle-stop.ts';
import { serviceUrl } from './service-url.ts';
import { sizeProblemsOf, sizeVariables, type SizeVariables } from './sizes/size-rules.ts';

/** One or more environment variables are wrong. The message lists each of them and how to fix it. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  /** One line per variable: its name and what is wrong. */
  readonly problems: readonly string[];

  constructor(problems: Iterable<string>) {
    const distinct = [...new Set(problems)];
    super(
      `The configuration is wrong. Fix these environment variables and start again:\n${distinct.map((line) => `  ${line}`).join('\n')}`,
    );
    this.problems = distinct;
  }
}

/**
 * Parses `env` with `schema`, an object whose keys are variable names. An empty variable counts as unset.
 * If a variable is wrong, prints every problem and exits with 1. {@link readEnvironment} throws instead.
 */
export function parseEnvironment<Schema extends z.ZodType>(
  schema: Schema,
  env: Record<string, string | undefined>,
): z.infer<Schema> {
  try {
    return readEnvironment(schema, env);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return process.exit(1);
  }
}

/** As {@link parseEnvironment}, but throws a {@link ConfigurationError}. It never repeats values, which may be secret. */
export function readEnvironment<Schema extends z.ZodType>(
  schema: Schema,
  env: Record<string, string | undefined>,
): z.infer<Schema> {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ''));
  const result = schema.safeParse(set);
  if (result.success) return result.data;
  throw new ConfigurationError(
    result.error.issues.map((issue) => {
      const name = issue.path.map(String).join('.') || 'environment';
      return `${name}: ${issue.code === 'invalid_type' && !(name in set) ? 'is not set.' : issue.message}`;
    }),
  );
}

const wholeNumber = (name: string, min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `${name} must be a whole number.`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `${name} must be between ${min} and ${max}.`);

/**
 * For `check` of a schema: compares variables with each other. It also runs when other variables are wrong, so that one start
 * names everything; a wrong variable then has the value from the environment.
 * @param problemsOf what is wrong, by the name of the variable
 */
export function crossCheck<Variables>(problemsOf: (variables: Partial<Variables>) => Record<string, string>) {
  const check = z.check<Variables>(({ value, issues }) => {
    for (const [name, message] of Object.entries(problemsOf(value))) {
      issues.push({ code: 'custom', path: [name], message, input: undefined });
    }
  });
  // oxlint-disable-next-line no-underscore-dangle -- zod's own place for this condition, which only `refine` can name
  check._zod.def.when = () => true;
  return check;
}

/** A whole number from a variable, with bounds and a default. */
export function integerVariable(name: string, options: { min: number; max: number; fallback: number }) {
  return wholeNumber(name, options.min, options.max).default(options.fallback);
}

/** The address to listen on; an IPv6 address may have the brackets that it has in URLs. */
export const hostVariable = z
  .string()
  .max(255, 'must be a host name or an address.')
  .transform((text) => text.replace(/^\[(.*)\]$/, '$1'))
  .default('0.0.0.0');

/** A variable of server and worker: the server shows it, and the worker acts on it. */
export const idleStopVariable = z
  .enum(installationIdleStops, { error: `must be one of ${installationIdleStops.join(', ')}.` })
  .default('never')
  .describe(
    'When projects that nobody uses are stopped, unless a project says otherwise: `never`, `30m`, `1h`, `4h`, `8h`, `1d` or `7d`. The same for server and worker.',
  );

/** Also a variable of both. */
export const trashDaysVariable = integerVariable('TRASH_DAYS', { min: 0, max: 3_650, fallback: 7 }).describe(
  'For how many days a project stays in the trash with its volume. 0: there is no trash, so a deletion is final at once. The same for server and worker.',
);

/** For `check` of a schema with {@link commonVariables}. */
export const sizesCheck = crossCheck<SizeVariables>(sizeProblemsOf);

/** Variables of server, worker and gateway. docs/configuration.md is generated from their descriptions. */
export const commonVariables = {
  DATABASE_URL: serviceUrl({
    protocol: /^postgres(ql)?$/,
    error: 'must be a URL such as postgresql://user:password@host:5432/database.',
  }).describe('PostgreSQL, which stores users, projects and timelines.'),
  REDIS_URL: serviceUrl({
    protocol: /^rediss?$/,
    error:
      'must be the URL of one Redis, such as redis://host:6379, or rediss:// with TLS. Sentinel and Cluster are not supported.',
  }).describe(
    'Redis, which holds the queue and the status stream: `redis://`, or `rediss://` with TLS. No Sentinel and no Cluster. It must not evict keys (`maxmemory-policy noeviction`).',
  ),
  KUBE_NAMESPACE: z
    .string()
    .regex(
      /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
      'must be a Kubernetes namespace: lower-case letters, digits and "-", at most 63.',
    )
    .default('opencode')
    .describe('The namespace for pods and volumes of projects; it must exist.'),
  ACCESS_SECRET: z
    .string()
    .min(32, 'must be a secret of at least 32 random characters.')
    .optional()
    .describe(
      'The credentials of all projects are derived from it; the same for server, worker and gateway, at least 32 characters. Without it nobody can open a project. `npm start` generates one.',
    ),
  OTEL_EXPORTER_OTLP_ENDPOINT: serviceUrl({
    protocol: /^https?$/,
    error: 'must be the URL of an OpenTelemetry collector, such as http://host:4318.',
  })
    .optional()
    .describe(
      'An OpenTelemetry collector (OTLP over HTTP). It receives one trace for each mutation, which ends at the pod.',
    ),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      error: 'must be one of trace, debug, info, warn, error, fatal, silent.',
    })
    .default('info')
    .describe('The lowest level that is logged. Each event is one JSON line. `npm start`: `warn`.'),
  ...sizeVariables,
};
