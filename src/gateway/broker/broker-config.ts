/** The variables of the model broker. */

import { z } from 'zod';

import { accessVariables } from '../../shared/node/access/access-variables.ts';
import { commonVariables, hostVariable, integerVariable, readEnvironment } from '../../shared/node/environment.ts';
import type { KeyEncryptionSecrets } from '../../shared/node/models/key-encryption.ts';
import { keyEncryptionVariables, toKeyEncryptionSecrets } from '../../shared/node/models/key-variables.ts';
import type { ProxySettings } from './provider-call.ts';
import type { ProviderSources } from './provider-catalogue.ts';

const proxyVariable = z
  .string()
  .refine(
    (text) => /^https?:\/\/[^/]/i.test(text) && URL.canParse(text),
    'must be a URL such as http://proxy.example.com:3128.',
  )
  .optional();

export const brokerVariables = {
  ...keyEncryptionVariables,
  GATEWAY_BROKER_PORT: integerVariable('GATEWAY_BROKER_PORT', { min: 0, max: 65_535, fallback: 3083 }).describe(
    'The TCP port at which the pods of projects reach the model broker, on the address of `HOST`. Browsers need no way to it.',
  ),
  MODEL_KEYS: z
    .string()
    .optional()
    .describe('The keys of the installation: `provider=key`, separated by commas, such as `anthropic=sk-ant-…`.'),
  MODEL_KEYS_FILE: z
    .string()
    .optional()
    .describe('A file with keys of the installation, one `provider=key` a line. It is read again each minute.'),
  MODEL_PROVIDERS_FILE: z
    .string()
    .optional()
    .describe(
      'A JSON file with more providers, or other settings of Anthropic and OpenAI ([an example](operations/models.md)). It is read again each minute.',
    ),
  MODEL_TOKENS_PER_DAY: integerVariable('MODEL_TOKENS_PER_DAY', { min: 0, max: 999_999_999, fallback: 0 }).describe(
    'How many tokens one person may use in a day (UTC) with keys of the installation; 0 means any number.',
  ),
  HTTPS_PROXY: proxyVariable.describe(
    'The proxy through which the model broker reaches providers with `https://`, such as `http://proxy.example.com:3128`. A name and a password may be part of it.',
  ),
  HTTP_PROXY: proxyVariable.describe('The same for providers with `http://`.'),
  NO_PROXY: z
    .string()
    .optional()
    .describe(
      'The hosts that the model broker reaches without a proxy, separated by commas: `models.internal`, `*.example.com`, `10.0.0.5`. Those of this machine never need one.',
    ),
};

/** Every variable that the model broker of `npm start` reads. */
export const brokerSchema = z.object({
  DATABASE_URL: commonVariables.DATABASE_URL,
  ACCESS_SECRET: commonVariables.ACCESS_SECRET.unwrap(),
  ACCESS_SECRET_PREVIOUS: accessVariables.ACCESS_SECRET_PREVIOUS,
  HOST: hostVariable,
  ...brokerVariables,
});

export interface BrokerConfig {
  databaseUrl: string;
  accessSecret: string;
  accessSecretPrevious: string | null;
  host: string;
  /** 0 means any free port. */
  port: number;
  sources: ProviderSources;
  /** `null`: nobody can have keys of their own. */
  keyEncryption: KeyEncryptionSecrets | null;
  /** `null`: no limit. */
  tokensPerDay: number | null;
  proxy?: ProxySettings;
}

/** @throws ConfigurationError that names every wrong variable */
export function readBrokerConfig(env: Record<string, string | undefined>): BrokerConfig {
  return toBrokerConfig(readEnvironment(brokerSchema, env));
}

export function toBrokerConfig(variables: z.infer<typeof brokerSchema>): BrokerConfig {
  return {
    databaseUrl: variables.DATABASE_URL,
    accessSecret: variables.ACCESS_SECRET,
    accessSecretPrevious: variables.ACCESS_SECRET_PREVIOUS ?? null,
    host: variables.HOST,
    port: variables.GATEWAY_BROKER_PORT,
    sources: {
      providersFile: variables.MODEL_PROVIDERS_FILE ?? null,
      keys: variables.MODEL_KEYS ?? null,
      keysFile: variables.MODEL_KEYS_FILE ?? null,
    },
    keyEncryption: toKeyEncryptionSecrets(variables),
    tokensPerDay: variables.MODEL_TOKENS_PER_DAY === 0 ? null : variables.MODEL_TOKENS_PER_DAY,
    proxy: { https: variables.HTTPS_PROXY, http: variables.HTTP_PROXY, without: variables.NO_PROXY },
  };
}
