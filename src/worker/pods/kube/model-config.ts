/**
 * The configuration with which OpenCode reaches models through its own pod. It contains no key: OpenCode sends its password, which
 * only the session proxy of the same pod takes. The init container writes it, and puts the address of the pod in.
 */

import type { PublishedProvider } from '../../../shared/node/models/model-catalogue.ts';

/** Outside of OpenCode's own folders, so that it never replaces a file of a person. */
const modelConfigFile = '/workspace/.home/.config/opencode-project-manager/models.json';

/** What the init container replaces by 127.0.0.1, or by the address that a pod of `npm start` has. */
const podAddressMark = 'POD_ADDRESS';

/** @returns the text of the file; `null` when there are no providers */
export function modelConfig(providers: readonly PublishedProvider[]): string | null {
  if (providers.length === 0) return null;
  const entries = providers.map((provider) => [provider.id, providerConfig(provider)] as const);
  return JSON.stringify({ $schema: 'https://opencode.ai/config.json', provider: Object.fromEntries(entries) });
}

function providerConfig({ id, name, kind, models }: PublishedProvider) {
  // OpenCode replaces `{env:…}` when it reads the file.
  const options = {
    baseURL: `http://${podAddressMark}:3002/llm/${id}`,
    apiKey: '{env:OPENCODE_SERVER_PASSWORD}',
  };
  // OpenCode knows the models and the program of the others.
  if (kind !== 'openai-compatible') return { options };
  const listed = models.map((model) => [
    model.id,
    { name: model.name, limit: { context: model.contextTokens, output: model.outputTokens } },
  ]);
  return { npm: '@ai-sdk/openai-compatible', name, options, models: Object.fromEntries(listed) as object };
}

/**
 * OpenCode always reads `/etc/opencode/opencode.json`, where an administrator's ConfigMap is mounted. So this variable is free for the
 * providers, which a person can override in the project: that would not be so with OPENCODE_CONFIG_CONTENT.
 */
export function configVariable({ hasModels, hasConfigMap }: { hasModels: boolean; hasConfigMap: boolean }) {
  const value = hasModels ? modelConfigFile : hasConfigMap ? '/etc/opencode/opencode.json' : null;
  return value === null ? [] : [{ name: 'OPENCODE_CONFIG', value }];
}
