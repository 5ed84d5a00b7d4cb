/**
 * The files in a pod that OpenCode reads its configuration from. They are in the home folder, and `OPENCODE_CONFIG` names the
 * document: files of the repository win over it, as OpenCode documents it.
 */

import type { ConfigVersion } from '../contract/config.ts';
import type { PublishedProvider } from '../node/models/model-catalogue.ts';
import { parseJson } from '../parse-json.ts';
import { modelProviders } from './model-config.ts';

/** The path of the session proxy at which a pod takes a configuration, and says which one it has. */
export const configPath = '/.project-manager/config';
/** Below the home folder. */
export const configFolder = '.project-manager';
export const configFileName = 'opencode.json';
/** OpenCode replaces `~` by its home folder, wherever that is. */
const rulesReference = `~/${configFolder}/rules.md`;

export interface ConfigFiles {
  version: number;
  /** The content of `opencode.json`. */
  config: string;
  /** The content of `rules.md`. */
  rules: string;
}

type JsonObject = Record<string, unknown>;

/**
 * The files of a version.
 * @param saved `null`: an empty configuration
 * @param providers the model providers for which the installation or the owner has a key. What the person has saved about a provider
 * wins over them.
 */
export function configFilesOf(
  saved: Pick<ConfigVersion, 'version' | 'document' | 'rules'> | null,
  providers: readonly PublishedProvider[] = [],
): ConfigFiles {
  const { version, document, rules } = saved ?? { version: 0, document: '', rules: '' };
  const parsed = parseJson(document === '' ? '{}' : document);
  // It was checked before it was saved. Anything else would make the project useless.
  const object = isObject(parsed) ? parsed : {};
  const given = Array.isArray(object['instructions']) ? (object['instructions'] as unknown[]) : [];
  const instructions = rules.trim() === '' ? given : [...given, rulesReference];
  const config = {
    // OpenCode would add it to the file.
    $schema: 'https://opencode.ai/config.json',
    ...mergeObjects(providers.length === 0 ? {} : { provider: modelProviders(providers) }, object),
    ...(instructions.length === 0 ? {} : { instructions }),
  };
  // Without spaces: the environment of the init container has a limit of 128 KiB for each value.
  return { version, config: `${JSON.stringify(config)}\n`, rules };
}

/** As OpenCode merges its files: objects field by field, and everything else as a whole. */
function mergeObjects(base: JsonObject, winner: JsonObject): JsonObject {
  const merged = { ...base };
  for (const [key, value] of Object.entries(winner)) {
    const below = Object.hasOwn(base, key) ? base[key] : undefined;
    merged[key] = isObject(below) && isObject(value) ? mergeObjects(below, value) : value;
  }
  return merged;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
