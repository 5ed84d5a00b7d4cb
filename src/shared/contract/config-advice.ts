/** What is valid in a configuration of OpenCode, and still worth a warning: secrets, and values that would fail later. Pure. */

interface Advice {
  path: string;
  message: string;
}

const readable =
  'This looks like a secret. Everybody who can run a command in the project can read it, and it stays in the older versions.';
const fileMessage =
  'If this file does not exist in the project, OpenCode cannot be used until it is restarted with another configuration.';
const modelMessage = 'Write the model as provider/model, such as anthropic/claude-sonnet-4-5.';

/** Names of headers and variables that contain secrets. */
const secretName = /token|passw|secret|api[._-]?key|credential|authorization|cookie|^key$|_key$|-key$/i;
/** Texts that are long and random, or begin as keys do. */
const secretValue =
  /^(?:(?:bearer|basic|token)\s+\S{8,}|(?:sk|pk|gh[opsu]|glpat|xox[abp])[-_][\w-]{12,}|[\w+/=-]{32,})$/i;
/** What OpenCode replaces by a variable or a file. */
const reference = /\{(?:env|file):[^}]*\}/;

export function adviceOn(config: Record<string, unknown>): Advice[] {
  return [
    ...['model', 'small_model'].flatMap((key) => modelAdvice(config, key)),
    ...entriesOf(config, 'provider').flatMap(([name, provider]) =>
      secretAdvice(objectAt(provider, 'options'), `provider.${name}.options`, (key) => key === 'apiKey'),
    ),
    ...entriesOf(config, 'mcp').flatMap(([name, server]) => [
      ...secretAdvice(objectAt(server, 'headers'), `mcp.${name}.headers`),
      ...secretAdvice(objectAt(server, 'environment'), `mcp.${name}.environment`),
      ...secretAdvice(objectAt(server, 'oauth'), `mcp.${name}.oauth`, (key) => key === 'clientSecret'),
    ]),
    ...fileReferences(config, []),
  ];
}

function modelAdvice(config: Record<string, unknown>, key: string): Advice[] {
  const model = config[key];
  if (typeof model !== 'string' || /^[^/\s]+\/\S+$/.test(model) || reference.test(model)) return [];
  return [{ path: key, message: modelMessage }];
}

/** @param isSecret whether a field of this name is a secret whatever its value is */
function secretAdvice(
  fields: Record<string, unknown>,
  path: string,
  isSecret: (key: string) => boolean = (key) => secretName.test(key),
): Advice[] {
  return Object.entries(fields).flatMap(([key, value]) => {
    if (typeof value !== 'string' || value === '' || reference.test(value)) return [];
    return isSecret(key) || secretValue.test(value) ? [{ path: `${path}.${key}`, message: readable }] : [];
  });
}

function fileReferences(value: unknown, path: string[]): Advice[] {
  if (typeof value === 'string') {
    return value.includes('{file:') ? [{ path: path.join('.'), message: fileMessage }] : [];
  }
  if (typeof value !== 'object' || value === null || path.length > 40) return [];
  return Object.entries(value).flatMap(([key, child]) => fileReferences(child, [...path, key]));
}

function entriesOf(config: Record<string, unknown>, key: string): [string, Record<string, unknown>][] {
  return Object.entries(objectAt(config, key)).map(([name, value]) => [name, asObject(value)]);
}

const objectAt = (parent: Record<string, unknown>, key: string): Record<string, unknown> =>
  asObject(Object.hasOwn(parent, key) ? parent[key] : undefined);

const asObject = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
