/**
 * The providers with which OpenCode reaches models through its own pod. They contain no key: OpenCode sends its password, which only
 * the session proxy of the same pod takes.
 */

import type { PublishedProvider } from '../node/models/model-catalogue.ts';

/** Whoever writes the file in the pod replaces this name by 127.0.0.1, or by the address that a pod of `npm start` has. */
export const ownPodName = 'this-pod.invalid';

/** @returns `provider` of OpenCode's configuration, by id */
export function modelProviders(providers: readonly PublishedProvider[]): Record<string, object> {
  return Object.fromEntries(providers.map((provider) => [provider.id, providerConfig(provider)]));
}

function providerConfig({ id, name, kind, models }: PublishedProvider) {
  // OpenCode replaces `{env:…}` when it reads the file.
  const options = {
    baseURL: `http://${ownPodName}:3002/llm/${id}`,
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
