/**
 * The environment of an `npm start` whose projects run the real OpenCode, as short of work as OpenCode can be: it knows no models of its
 * own, and installs no packages.
 */

/**
 * OpenCode checks all 8,261 models that it knows in each folder, which takes seconds of processor time. A project has none of them when
 * this file of it contains `{}` before OpenCode is first used.
 */
export const modelsFile = 'models.json';

/** Nothing answers at the discard port. Otherwise each new project would download 64 MB of packages and unpack them. */
const podTemplate = {
  spec: {
    containers: [{ name: 'opencode-server', env: [{ name: 'npm_config_registry', value: 'http://127.0.0.1:9/' }] }],
  },
};

export const offlineOpenCode = {
  EMBEDDED_RUNTIME: 'sandbox',
  OPENCODE_DISABLE_MODELS_FETCH: '1',
  OPENCODE_MODELS_PATH: `/workspace/project/${modelsFile}`,
  POD_TEMPLATE: JSON.stringify(podTemplate),
};
