/** Reads and changes single fields in the JSON text of a configuration. Pure. Fields that the form does not know stay as they are. */

type JsonObject = Record<string, unknown>;

export const permissionActions = ['allow', 'ask', 'deny'] as const;
export type PermissionAction = (typeof permissionActions)[number];

/** What the form asks for, in its order, with words for people. */
export const permissionKinds = {
  edit: 'Change files',
  bash: 'Run commands',
  webfetch: 'Read web pages',
} as const;
export type PermissionKind = keyof typeof permissionKinds;

export interface PatternRule {
  pattern: string;
  action: PermissionAction;
}

export interface McpServer {
  name: string;
  isEnabled: boolean;
  /** `null`: a kind that only the JSON view can change. */
  kind: 'local' | 'remote' | null;
  /** The command line of a local server, or the address of a remote one. */
  target: string;
}

/** The value at a path, or `undefined`. */
export function valueAt(document: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined),
    document,
  );
}

export function textAt(document: unknown, ...path: string[]): string {
  const value = valueAt(document, path);
  return typeof value === 'string' ? value : '';
}

/** The text with another value at a path. `undefined` removes the field, and the objects above it that become empty. */
export function withValue(document: JsonObject, path: readonly string[], value: unknown): string {
  return `${JSON.stringify(changed(document, path, value) ?? {}, null, 2)}\n`;
}

function changed(object: unknown, [key, ...rest]: readonly string[], value: unknown): JsonObject | undefined {
  const before = isObject(object) ? object : {};
  if (key === undefined) return before;
  const child = rest.length === 0 ? value : changed(valueAt(before, [key]), rest, value);
  // A known field keeps its place, because the last pattern that fits decides.
  const entries = Object.hasOwn(before, key)
    ? Object.entries(before).map(([each, held]) => [each, each === key ? child : held] as const)
    : [...Object.entries(before), [key, child] as const];
  const kept = entries.filter(([, each]) => each !== undefined);
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/** The action of a kind; `null`: OpenCode decides. For a kind with patterns: the action of everything else (`*`). */
export function permissionOf(document: unknown, kind: PermissionKind): PermissionAction | null {
  const all = valueAt(document, ['permission']);
  const rule = isAction(all) ? all : valueAt(all, [kind]);
  return asAction(isObject(rule) ? rule['*'] : rule);
}

/** The patterns of a kind, in the order in which OpenCode reads them: the last one that fits decides. */
export function patternsOf(document: unknown, kind: PermissionKind): PatternRule[] {
  const rule = valueAt(document, ['permission', kind]);
  if (!isObject(rule)) return [];
  return Object.entries(rule).flatMap(([pattern, action]) =>
    pattern !== '*' && isAction(action) ? [{ pattern, action }] : [],
  );
}

/** The text with other permissions of one kind. */
export function withPermission(
  document: JsonObject,
  kind: PermissionKind,
  { action, patterns }: { action: PermissionAction | null; patterns: readonly PatternRule[] },
): string {
  const rules = patterns.filter(({ pattern }) => pattern.trim() !== '' && pattern.trim() !== '*');
  const all = valueAt(document, ['permission']);
  // One action for everything is written out for the kinds of the form first.
  const base = isAction(all)
    ? {
        ...document,
        permission: { '*': all, ...Object.fromEntries(Object.keys(permissionKinds).map((key) => [key, all])) },
      }
    : document;
  const entries = [
    ...(action === null ? [] : [['*', action] as const]),
    ...rules.map(({ pattern, action: of }) => [pattern.trim(), of] as const),
  ];
  const value = rules.length === 0 ? (action ?? undefined) : Object.fromEntries(entries);
  return withValue(base, ['permission', kind], value);
}

export function serversOf(document: unknown): McpServer[] {
  const servers = valueAt(document, ['mcp']);
  if (!isObject(servers)) return [];
  return Object.entries(servers).map(([name, server]) => {
    const type = valueAt(server, ['type']);
    const command = valueAt(server, ['command']);
    return {
      name,
      isEnabled: valueAt(server, ['enabled']) !== false,
      kind: type === 'local' || type === 'remote' ? type : null,
      target: type === 'remote' ? textAt(server, 'url') : Array.isArray(command) ? joinCommand(command) : '',
    };
  });
}

/** A command line as a list of words. Quotes keep spaces. */
export function splitCommand(line: string): string[] {
  const words = line.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S+)/g);
  return [...words].map(([, double, single, plain]) => double?.replaceAll(/\\(.)/g, '$1') ?? single ?? plain ?? '');
}

function joinCommand(words: unknown[]): string {
  return words
    .map(String)
    .map((word) => (/^[^\s"'\\]+$/.test(word) ? word : `"${word.replaceAll(/["\\]/g, '\\$&')}"`))
    .join(' ');
}

/** The lines of a list that is edited as a text. */
export const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

export function listAt(document: unknown, key: string): string[] {
  const value = valueAt(document, [key]);
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : [];
}

const isAction = (value: unknown): value is PermissionAction => permissionActions.some((each) => each === value);
const asAction = (value: unknown): PermissionAction | null => (isAction(value) ? value : null);

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
