/** Parses label and field selectors. */

import type { KubeObject } from './kube-object.ts';
import { isLabelValue, isQualifiedName } from './object-meta.ts';
import type { ResourceDefinition } from './resource-definition.ts';
import { statusError } from './status-error.ts';

export type Matcher = (object: KubeObject) => boolean;

/**
 * Parses a label selector: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a`, `!a`, joined by commas.
 *
 * @throws StatusError 400 when it cannot be parsed
 */
export function parseLabelSelector(selector: string): Matcher {
  const requirements = splitOutsideParentheses(selector).map((part) => parseRequirement(part, selector));
  return (object) => requirements.every((requirement) => requirement(object.metadata.labels ?? {}));
}

function splitOutsideParentheses(selector: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let current = '';
  for (const character of selector) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (character === ',' && depth === 0) {
      parts.push(current);
      current = '';
    } else current += character;
  }
  if (current.trim() !== '' || parts.length > 0) parts.push(current);
  return parts.map((part) => part.trim());
}

type Labels = Record<string, string>;

function valueOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

function parseRequirement(part: string, selector: string): (labels: Labels) => boolean {
  const unreadable = (): Error =>
    statusError.badRequest(
      `unable to parse requirement: found '${part.slice(0, 100)}', expected: a label selector, in ${JSON.stringify(selector.slice(0, 200))}`,
    );
  const checkKey = (key: string): string => {
    if (!isQualifiedName(key)) throw unreadable();
    return key;
  };
  const checkValue = (value: string): string => {
    if (!isLabelValue(value)) throw unreadable();
    return value;
  };

  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(part);
  if (set !== null) {
    const key = checkKey(set[1] ?? '');
    const values = new Set((set[3] ?? '').split(',').map((value) => checkValue(value.trim())));
    const isIn = set[2] === 'in';
    return (labels) => {
      const value = valueOf(labels, key);
      return value === undefined ? !isIn : values.has(value) === isIn;
    };
  }
  const equality = /^([^=!\s]+)\s*(==|=|!=)\s*([^=!\s]*)$/.exec(part);
  if (equality !== null) {
    const key = checkKey(equality[1] ?? '');
    const value = checkValue(equality[3] ?? '');
    return equality[2] === '!='
      ? (labels) => valueOf(labels, key) !== value
      : (labels) => valueOf(labels, key) === value;
  }
  if (part.startsWith('!')) {
    const key = checkKey(part.slice(1).trim());
    return (labels) => valueOf(labels, key) === undefined;
  }
  const key = checkKey(part);
  return (labels) => valueOf(labels, key) !== undefined;
}

/**
 * Parses a field selector, such as `metadata.name=x,status.phase!=Running`.
 *
 * @throws StatusError 400 for a field that the kind does not offer, as in the real API
 */
export function parseFieldSelector(selector: string, definition: ResourceDefinition): Matcher {
  const probe: KubeObject = {
    apiVersion: '',
    kind: definition.kind,
    metadata: { name: '', uid: '', resourceVersion: '', creationTimestamp: '' },
  };
  const known = new Set(Object.keys(fieldsOf(probe, definition)));
  const requirements = selector
    .split(',')
    .filter((part) => part.trim() !== '')
    .map((part) => {
      const match = /^([^=!]+?)\s*(==|=|!=)(.*)$/.exec(part.trim());
      if (match === null) {
        throw statusError.badRequest(
          `invalid selector: '${selector.slice(0, 200)}'; can't understand '${part.slice(0, 100)}'`,
        );
      }
      const [, field = '', operator, value = ''] = match;
      if (!known.has(field)) throw statusError.badRequest(`field label not supported: ${field}`);
      return { field, isEqual: operator !== '!=', value: value.trim() };
    });
  return (object) => {
    const fields = fieldsOf(object, definition);
    return requirements.every(({ field, isEqual, value }) => (fields[field] === value) === isEqual);
  };
}

function fieldsOf(object: KubeObject, definition: ResourceDefinition): Record<string, string> {
  return {
    'metadata.name': object.metadata.name,
    ...(definition.namespaced ? { 'metadata.namespace': object.metadata.namespace ?? '' } : {}),
    ...definition.selectableFields(object),
  };
}
