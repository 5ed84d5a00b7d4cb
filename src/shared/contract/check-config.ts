/**
 * Checks a configuration of OpenCode against the schema that OpenCode itself publishes (`opencode-schema.json`, version
 * {@link openCodeVersion}). Pure: pages, server and SDK use the same function. A project whose configuration has an error cannot
 * be used until OpenCode is restarted, so nothing with an error is saved. What OpenCode would ignore is a warning.
 */

import { adviceOn } from './config-advice.ts';
import schema from './opencode-schema.json' with { type: 'json' };

/** The version of OpenCode that the schema is from. */
export const openCodeVersion = '1.18.33';

export interface ConfigProblem {
  /** Where, such as `permission.bash`; empty for the text as a whole. */
  path: string;
  message: string;
}

export interface CheckedConfig {
  /** The parsed object; `null` when the text is not one. */
  value: Record<string, unknown> | null;
  errors: ConfigProblem[];
  warnings: ConfigProblem[];
}

/** The part of JSON Schema that OpenCode uses. */
interface Node {
  $ref?: string;
  type?: string;
  enum?: unknown[];
  anyOf?: Node[];
  properties?: Record<string, Node>;
  required?: string[];
  additionalProperties?: boolean | Node;
  items?: Node;
  prefixItems?: Node[];
  minItems?: number;
  maxItems?: number;
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  pattern?: string;
}

interface Found {
  errors: ConfigProblem[];
  warnings: ConfigProblem[];
}

const definitions = schema as unknown as Record<string, Node>;
const maxDepth = 40;
const maxProblems = 50;
const maxLength = 64 * 1024;

/** @param text JSON without comments */
export function checkConfig(text: string): CheckedConfig {
  const parsed = parseObject(text);
  if (typeof parsed === 'string') return { value: null, errors: [{ path: '', message: parsed }], warnings: [] };
  const { errors, warnings } = check({ $ref: 'Config' }, parsed, []);
  const all = [...warnings, ...adviceOn(parsed)];
  return { value: parsed, errors: errors.slice(0, maxProblems), warnings: all.slice(0, maxProblems) };
}

/** The object, or what is wrong with the text. */
function parseObject(text: string): Record<string, unknown> | string {
  let value: unknown;
  try {
    value = JSON.parse(text.trim() === '' ? '{}' : text);
  } catch (error) {
    const place = placeOf(text, error);
    return `This is not JSON${place}. Check quotes, commas and brackets. Comments are not possible here.`;
  }
  if (!isObject(value)) return 'Begin with { and end with }: the configuration is an object.';
  if (isTooDeep(value)) return 'This is nested too deeply.';
  // Numbers such as 1e20 become longer.
  return JSON.stringify(value).length > maxLength ? 'Use at most 64 KiB.' : value;
}

function isTooDeep(value: unknown, depth = 0): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth >= maxDepth || Object.values(value).some((child) => isTooDeep(child, depth + 1));
}

/** " in line 3" if the error says where. */
function placeOf(text: string, error: unknown): string {
  const [, offset] = /position (\d+)/.exec(String(error)) ?? [];
  return offset === undefined ? '' : ` in line ${text.slice(0, Number(offset)).split('\n').length}`;
}

function check(node: Node, value: unknown, path: string[]): Found {
  const resolved = resolve(node);
  if (resolved.anyOf) return checkVariants(resolved.anyOf.map(resolve), value, path);
  if (resolved.enum && !resolved.enum.includes(value)) return wrong(path, `Use ${expected([resolved])}.`);
  if (!hasType(resolved, value)) return wrong(path, `Use ${expected([resolved])}.`);
  if (typeof value === 'number') return checkNumber(resolved, value, path);
  if (typeof value === 'string') {
    const fits = resolved.pattern === undefined || new RegExp(resolved.pattern, 'u').test(value);
    return fits ? none() : wrong(path, `Write it in the form ${resolved.pattern}.`);
  }
  if (Array.isArray(value)) return checkList(resolved, value, path);
  return isObject(value) ? checkObject(resolved, value, path) : none();
}

/** The variant with the fewest problems counts, among those that the value names by its `type`, if it names any. */
function checkVariants(variants: Node[], value: unknown, path: string[]): Found {
  const named = isObject(value) ? variants.filter((variant) => names(variant, value)) : [];
  const fitting = (named.length > 0 ? named : variants).filter((variant) => variant.anyOf || hasType(variant, value));
  if (fitting.length === 0) return wrong(path, `Use ${expected(variants)}.`);
  const results = fitting.map((variant) => check(variant, value, path));
  const best = results.toSorted((one, other) => weight(one) - weight(other))[0] ?? none();
  const isAboutValue = best.errors.length === 1 && best.errors[0]?.path === path.join('.') && !isObject(value);
  return isAboutValue ? wrong(path, `Use ${expected(variants)}.`) : best;
}

const weight = ({ errors, warnings }: Found): number => errors.length * 1_000 + warnings.length;

/** Whether a field with only one possible value has that value. */
function names({ properties = {} }: Node, value: Record<string, unknown>): boolean {
  return Object.entries(properties).some(
    ([key, child]) => child.type === 'string' && child.enum?.length === 1 && own(value, key) === child.enum[0],
  );
}

function checkNumber({ minimum, exclusiveMinimum, maximum }: Node, value: number, path: string[]): Found {
  if (minimum !== undefined && value < minimum) return wrong(path, `Use ${minimum} or more.`);
  if (exclusiveMinimum !== undefined && value <= exclusiveMinimum) {
    return wrong(path, `Use a number above ${exclusiveMinimum}.`);
  }
  return maximum !== undefined && value > maximum ? wrong(path, `Use ${maximum} or less.`) : none();
}

function checkList({ items, prefixItems, minItems, maxItems }: Node, value: unknown[], path: string[]): Found {
  if (minItems !== undefined && value.length < minItems) return wrong(path, `Use at least ${minItems} entries.`);
  if (maxItems !== undefined && value.length > maxItems) return wrong(path, `Use at most ${maxItems} entries.`);
  return merge(
    value.map((entry, index) => {
      const node = prefixItems?.[index] ?? items;
      return node ? check(node, entry, [...path, String(index)]) : none();
    }),
  );
}

function checkObject(node: Node, value: Record<string, unknown>, path: string[]): Found {
  const { properties = {}, required = [], additionalProperties } = node;
  const missing = required
    .filter((key) => !Object.hasOwn(value, key))
    .map((key) => wrong(path, `Add the field “${key}”.`));
  const fields = Object.entries(value).map(([key, child]) => {
    const at = [...path, key];
    const known = own(properties, key) as Node | undefined;
    if (known) return check(known, child, at);
    if (isObject(additionalProperties)) return check(additionalProperties, child, at);
    return additionalProperties === false ? unknownField(at) : none();
  });
  return merge([...missing, ...fields]);
}

function unknownField(path: string[]): Found {
  const message = `OpenCode ${openCodeVersion} does not know this field. It is kept, and has no effect. Check the spelling.`;
  return { errors: [], warnings: [{ path: path.join('.'), message }] };
}

function resolve(node: Node): Node {
  return node.$ref === undefined ? node : resolve(definitions[node.$ref.replace('#/components/schemas/', '')] ?? {});
}

function hasType({ type }: Node, value: unknown): boolean {
  switch (type) {
    case undefined:
      return true;
    case 'object':
      return isObject(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isSafeInteger(value);
    case 'null':
      return value === null;
    default:
      return typeof value === type;
  }
}

const typeWords: Record<string, string> = {
  string: 'a text in quotes',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list in [ ]',
  object: 'an object in { }',
};

/** "“ask”, “allow” or “deny”". */
function expected(variants: Node[]): string {
  const words = variants.flatMap(wordsOf);
  const [last = 'another value', ...others] = [...new Set(words)].toReversed();
  return others.length === 0 ? last : `${others.toReversed().join(', ')} or ${last}`;
}

function wordsOf(node: Node): string[] {
  const { anyOf, enum: values, type } = resolve(node);
  if (anyOf) return anyOf.flatMap(wordsOf);
  if (values) return values.map((value) => (typeof value === 'string' ? `"${value}"` : JSON.stringify(value)));
  return [typeWords[type ?? ''] ?? 'another value'];
}

const none = (): Found => ({ errors: [], warnings: [] });
const wrong = (path: string[], message: string): Found => ({
  errors: [{ path: path.join('.'), message }],
  warnings: [],
});
const merge = (all: Found[]): Found => ({
  errors: all.flatMap(({ errors }) => errors),
  warnings: all.flatMap(({ warnings }) => warnings),
});

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const own = (object: Record<string, unknown>, key: string): unknown =>
  Object.hasOwn(object, key) ? object[key] : undefined;
