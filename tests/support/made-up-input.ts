/** Generates correct inputs of procedures from their schemas, so that new procedures need no test data. */

import { randomBytes, randomUUID } from 'node:crypto';

import { z } from 'zod';

import type { Procedure } from './procedures.ts';

/** The part of JSON Schema that inputs use. */
interface Node {
  type?: string | string[];
  format?: string;
  pattern?: string;
  minimum?: number;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Node[];
  oneOf?: Node[];
  properties?: Record<string, Node>;
  required?: string[];
  items?: Node;
}

export interface IdField {
  /** The path in the input: names separated by dots, and 0 for the entry of a list. */
  path: string;
  /** Whether it is the id of an object. The others (`idempotencyKey`, `cursor`) are texts of the caller. */
  isUuid: boolean;
}

/** The fields of an input that identify an object, found by their format or name. */
export function idFieldsOf(procedure: Procedure): IdField[] {
  return nodesOf(procedure).flatMap((node) => collect(node, ''));
}

/**
 * Generates the required fields of a valid input, and leaves out optional ones.
 *
 * @param ids by path; other required ids get an id that does not exist
 * @returns `null` when the schema refuses one of these ids
 * @throws Error when it cannot generate a required field
 */
export function inputWith(procedure: Procedure, ids: Record<string, string>): unknown {
  const input = make(procedure, ids);
  if (accepts(procedure, input)) return input;
  if (accepts(procedure, make(procedure, {}))) return null;
  throw new Error(`No input could be made up for ${procedure.name}. Teach tests/support/made-up-input.ts its fields.`);
}

/** A test asks thousands of times for the few hundred schemas, and each takes a millisecond. */
const nodes = new WeakMap<z.ZodType, Node>();

function nodesOf({ inputs }: Procedure): Node[] {
  return inputs.map((input) => {
    const node = nodes.get(input) ?? (z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' }) as Node);
    nodes.set(input, node);
    return node;
  });
}

function accepts({ inputs }: Procedure, value: unknown): boolean {
  return inputs.every((input) => input.safeParse(value).success);
}

function make(procedure: Procedure, ids: Record<string, string>): unknown {
  const parts = nodesOf(procedure).map((node) => build(node, { path: '', ids }));
  return parts.every((part) => typeof part === 'object' && part !== null && !Array.isArray(part))
    ? Object.assign({}, ...parts)
    : parts[0];
}

function collect(node: Node, path: string): IdField[] {
  const name = path.split('.').findLast((part) => part !== '0') ?? '';
  if (typeOf(node) === 'string') {
    const isUuid = node.format === 'uuid';
    return isUuid || /^id$|Ids?$|^cursor$|Key$/.test(name) ? [{ path, isUuid }] : [];
  }
  return [
    ...variantsOf(node).flatMap((variant) => collect(variant, path)),
    ...Object.entries(node.properties ?? {}).flatMap(([key, child]) => collect(child, under(path, key))),
    ...(node.items ? collect(node.items, under(path, '0')) : []),
  ];
}

/** Optional fields may often be null too, which does not matter here. */
const typeOf = ({ type }: Node) => [type].flat().find((one) => one !== 'null');
const variantsOf = ({ anyOf, oneOf }: Node) =>
  [...(anyOf ?? []), ...(oneOf ?? [])].filter((one) => one.type !== 'null');

const under = (path: string, key: string) => (path === '' ? key : `${path}.${key}`);

function build(node: Node, where: { path: string; ids: Record<string, string> }): unknown {
  const { path, ids } = where;
  if (ids[path] !== undefined) return ids[path];
  if (node.enum) return node.enum[0];
  if (node.const !== undefined) return node.const;
  const [variant] = variantsOf(node);
  if (variant) return build(variant, where);
  switch (typeOf(node)) {
    case 'object': {
      const isDesired = (key: string) =>
        (node.required ?? []).includes(key) ||
        Object.keys(ids).some((id) => id === under(path, key) || id.startsWith(`${under(path, key)}.`));
      const desired = Object.entries(node.properties ?? {}).filter(([key]) => isDesired(key));
      return Object.fromEntries(desired.map(([key, child]) => [key, build(child, { path: under(path, key), ids })]));
    }
    case 'array':
      return node.items ? [build(node.items, { path: under(path, '0'), ids })] : [];
    case 'string':
      return text(node);
    case 'integer':
    case 'number':
      return node.minimum ?? 1;
    case 'boolean':
      return true;
    default:
      return undefined;
  }
}

function text({ format, pattern }: Node): string | undefined {
  if (format === 'uuid') return randomUUID();
  if (format === 'date-time') return new Date(Date.now() + 3_600_000).toISOString();
  const made = [
    `Sweep ${randomBytes(6).toString('hex')}`,
    `sweep-${randomBytes(6).toString('hex')}`,
    `sweep-${randomBytes(6).toString('hex')}@example.test`,
    'https://a.test/b',
    randomBytes(20).toString('hex'),
  ];
  return made.find((candidate) => pattern === undefined || new RegExp(pattern, 'u').test(candidate));
}
