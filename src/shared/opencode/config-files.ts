/**
 * The files in a pod that OpenCode reads its configuration from. They are in the home folder, and `OPENCODE_CONFIG` names the
 * document: files of the repository win over it, as OpenCode documents it.
 */

import type { ConfigVersion } from '../contract/config.ts';
import { parseJson } from '../parse-json.ts';

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

/** The files of a version; of an empty configuration for `null`. */
export function configFilesOf(saved: Pick<ConfigVersion, 'version' | 'document' | 'rules'> | null): ConfigFiles {
  const { version, document, rules } = saved ?? { version: 0, document: '', rules: '' };
  const parsed = parseJson(document === '' ? '{}' : document);
  // It was checked before it was saved. Anything else would make the project useless.
  const object = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? parsed : {};
  const given = 'instructions' in object && Array.isArray(object.instructions) ? object.instructions : [];
  const instructions = rules.trim() === '' ? given : [...given, rulesReference];
  const config = {
    // OpenCode would add it to the file.
    $schema: 'https://opencode.ai/config.json',
    ...object,
    ...(instructions.length === 0 ? {} : { instructions }),
  };
  // Without spaces: the environment of the init container has a limit of 128 KiB for each value.
  return { version, config: `${JSON.stringify(config)}\n`, rules };
}
