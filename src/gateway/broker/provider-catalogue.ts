/**
 * The providers of the broker: the usual ones, and those that the administrator lists. Only their addresses are ever called, whatever
 * a pod or a person writes. Prices are only what the administrator wrote.
 */

import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { z } from 'zod';

import { modelPriceSchema, modelProviderIdSchema, modelProviderKindSchema } from '../../shared/contract/models.ts';
import type { ModelCatalogue } from '../../shared/node/models/model-catalogue.ts';

const modelSchema = z.strictObject({
  id: z.string().min(1).max(200),
  name: z.string().min(1).max(200).optional(),
  contextTokens: z.number().int().min(1).max(100_000_000).default(128_000),
  outputTokens: z.number().int().min(1).max(100_000_000).default(16_000),
  price: modelPriceSchema.nullable().default(null),
});

const baseUrlSchema = z
  .string()
  .refine((text) => /^https?:\/\//i.test(text) && URL.canParse(text), 'must be an http or https URL')
  .refine((text) => {
    const url = URL.parse(text);
    return url !== null && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  }, 'must have no user name, password, query or fragment: keys belong to MODEL_KEYS or MODEL_KEYS_FILE')
  .transform((text) => text.replace(/\/+$/, ''));

const providerSchema = z
  .strictObject({
    id: modelProviderIdSchema,
    name: z.string().min(1).max(100),
    kind: modelProviderKindSchema,
    baseUrl: baseUrlSchema,
    models: z.array(modelSchema).max(200).default([]),
  })
  .refine(({ kind, models }) => kind !== 'openai-compatible' || models.length > 0, {
    error: 'must list its models, because OpenCode does not know them',
    path: ['models'],
  });

export type BrokerProvider = z.infer<typeof providerSchema>;

/** OpenCode knows the models of these. */
const usualProviders: readonly BrokerProvider[] = [
  { id: 'anthropic', name: 'Anthropic', kind: 'anthropic', baseUrl: 'https://api.anthropic.com/v1', models: [] },
  { id: 'openai', name: 'OpenAI', kind: 'openai', baseUrl: 'https://api.openai.com/v1', models: [] },
];

export interface Providers {
  find(id: string): BrokerProvider | null;
  keyOf(id: string): string | null;
  /** What may be published: no address and no key. */
  published(tokensPerDay: number | null): ModelCatalogue;
}

export interface ProviderSources {
  /** A file with a list of providers as JSON; `null`: only the usual ones. */
  providersFile: string | null;
  /** `provider=key`, separated by commas or line breaks. */
  keys: string | null;
  /** A file of the same form. */
  keysFile: string | null;
}

/** @throws Error whose message says which variable is wrong, without any part of a key */
export function loadProviders({ providersFile, keys, keysFile }: ProviderSources): Providers {
  const listed = providersFile === null ? [] : parseProviders(readFileOf('MODEL_PROVIDERS_FILE', providersFile));
  const byId = new Map([...usualProviders, ...listed].map((provider) => [provider.id, provider]));
  const keyById = new Map([
    ...(keys === null ? [] : parseKeys('MODEL_KEYS', keys)),
    ...(keysFile === null ? [] : parseKeys('MODEL_KEYS_FILE', readFileOf('MODEL_KEYS_FILE', keysFile))),
  ]);
  for (const id of keyById.keys()) {
    if (byId.has(id)) continue;
    throw new Error(`MODEL_KEYS: has a key for "${id}", which is no provider. List it in MODEL_PROVIDERS_FILE.`);
  }
  return {
    find: (id) => byId.get(id) ?? null,
    keyOf: (id) => keyById.get(id) ?? null,
    published: (tokensPerDay) => ({
      tokensPerDay,
      providers: [...byId.values()].map(({ id, name: title, kind, models }) => ({
        id,
        name: title,
        kind,
        models: models.map(({ name, ...model }) => ({ ...model, name: name ?? model.id })),
        hasInstallationKey: keyById.has(id),
      })),
    }),
  };
}

/** A file that does not exist yet is empty, if its folder exists: Kubernetes mounts an empty folder for a Secret that may be missing. */
function readFileOf(variable: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'; // an error of the file system has a code
    if (isMissing && existsSync(dirname(path))) return '';
    throw new Error(`${variable}: the file cannot be read. Check its path and its permissions.`, { cause: error });
  }
}

function parseProviders(text: string): BrokerProvider[] {
  if (text === '') return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('MODEL_PROVIDERS_FILE: is not JSON.');
  }
  const result = z.array(providerSchema).max(100).safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new Error(`MODEL_PROVIDERS_FILE: ${issue?.path.map(String).join('.')}: ${issue?.message}.`);
}

function parseKeys(variable: string, text: string): [string, string][] {
  const lines = text
    .split(/[,\n]/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line, index) => {
    const [, id = '', key = ''] = /^([a-z0-9][a-z0-9-]{0,39})\s*=\s*([\x21-\x7e]{1,500})$/.exec(line) ?? [];
    if (key !== '') return [id, key];
    throw new Error(`${variable}: entry ${index + 1} must have the form provider=key, such as anthropic=sk-ant-….`);
  });
}
