import { describe, expect, it } from 'vitest';

import { readEmbeddedConfig } from './embedded-config.ts';

describe('the configuration of npm start', () => {
  it('gives OpenCode its own variables, and neither ours nor a password', () => {
    const { openCodeEnv } = readEmbeddedConfig({
      OPENCODE_DISABLE_MODELS_FETCH: '1',
      OPENCODE_SERVER_PASSWORD: 'of the developer',
      OPENCODE_MEMORY_LIMIT: '2Gi',
      PATH: '/usr/bin',
    });
    expect(openCodeEnv).toEqual({ OPENCODE_DISABLE_MODELS_FETCH: '1' });
  });

  it('refuses a runtime that does not exist', () => {
    expect(readEmbeddedConfig({ EMBEDDED_RUNTIME: 'process' }).runtime).toBe('process');
    expect(readEmbeddedConfig({}).runtime).toBeUndefined();
    expect(() => readEmbeddedConfig({ EMBEDDED_RUNTIME: 'docker' })).toThrow(/EMBEDDED_RUNTIME/);
  });
});
