/** Rules for the metadata of objects: names, labels, finalizers and the fields that the server sets. */

import { randomBytes, randomUUID } from 'node:crypto';

import { fieldError, type FieldError } from './field-error.ts';
import { isJsonObject, kubeTime, valueAt, type JsonObject, type KubeObject } from './kube-object.ts';
import { apiVersionOf, type ResourceDefinition } from './resource-definition.ts';
import { statusError } from './status-error.ts';

const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const qualifiedPart = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

export const labelRule =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const subdomainRule =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const qualifiedNameRule =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const labelValueRule =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/** Whether a text is a DNS label of at most 63 characters. */
export function isDnsLabel(value: string): boolean {
  return value.length <= 63 && label.test(value);
}

/** Whether a text is a DNS subdomain of at most 253 characters. */
function isDnsSubdomain(value: string): boolean {
  return value.length <= 253 && value.split('.').every((part) => label.test(part));
}

/** Whether a text may be a label key: an optional DNS subdomain and a slash, then a name of at most 63 characters. */
export function isQualifiedName(value: string): boolean {
  const parts = value.split('/');
  const [prefix, name] = parts.length === 1 ? [undefined, parts[0]] : parts;
  if (parts.length > 2 || name === undefined || name.length > 63 || !qualifiedPart.test(name)) return false;
  return prefix === undefined || isDnsSubdomain(prefix);
}

/** Whether a text may be a label's value. */
export function isLabelValue(value: string): boolean {
  return value === '' || (value.length <= 63 && qualifiedPart.test(value));
}

/**
 * Makes a complete new object from the body of a request. The server sets uid, creation time and type.
 *
 * @throws StatusError 400 when the namespace of the body is not the one of the URL
 */
export function newObject(
  definition: ResourceDefinition,
  body: JsonObject,
  { namespace, nowMs }: { namespace: string | undefined; nowMs: number },
): KubeObject {
  const given = isJsonObject(body['metadata']) ? body['metadata'] : {};
  if (definition.namespaced && given['namespace'] !== undefined && given['namespace'] !== namespace) {
    throw statusError.badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  }
  if (given['resourceVersion'] !== undefined && given['resourceVersion'] !== '') {
    throw statusError.badRequest('resourceVersion should not be set on objects to be created');
  }
  const generateName = typeof given['generateName'] === 'string' ? given['generateName'] : '';
  const name =
    typeof given['name'] === 'string' && given['name'] !== ''
      ? given['name']
      : generateName === ''
        ? ''
        : `${generateName.slice(0, 58)}${randomSuffix()}`;
  const metadata = { ...given, name, uid: randomUUID(), resourceVersion: '', creationTimestamp: kubeTime(nowMs) };
  for (const key of ['deletionTimestamp', 'deletionGracePeriodSeconds', 'selfLink', 'managedFields', 'generation']) {
    delete (metadata as JsonObject)[key];
  }
  return {
    ...body,
    kind: definition.kind,
    apiVersion: apiVersionOf(definition),
    metadata: {
      ...metadata,
      ...(definition.namespaced && namespace !== undefined ? { namespace } : {}),
      ...(definition.hasGeneration ? { generation: 1 } : {}),
    },
  };
}

/** The five characters that Kubernetes appends to generateName: no vowels, no similar characters. */
function randomSuffix(): string {
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
  return [...randomBytes(5)].map((byte) => alphabet[byte % alphabet.length]).join('');
}

/** The rules for the metadata of every kind. */
export function validateMetadata(definition: ResourceDefinition, object: KubeObject): FieldError[] {
  const { name, labels = {}, annotations = {}, finalizers = [] } = object.metadata;
  const errors: FieldError[] = [];
  if (name === '') errors.push(fieldError.required('metadata.name', 'name or generateName is required'));
  else if (definition.nameRule === 'label' && !isDnsLabel(name)) {
    errors.push(fieldError.invalid('metadata.name', name, labelRule));
  } else if (definition.nameRule === 'subdomain' && !isDnsSubdomain(name)) {
    errors.push(fieldError.invalid('metadata.name', name, subdomainRule));
  } else if (/[/%]/.test(name) || name === '.' || name === '..') {
    errors.push(fieldError.invalid('metadata.name', name, "may not contain '/' or '%' and may not be '.' or '..'"));
  }
  for (const [key, value] of Object.entries(labels)) {
    if (!isQualifiedName(key)) errors.push(fieldError.invalid('metadata.labels', key, qualifiedNameRule));
    if (!isLabelValue(value)) errors.push(fieldError.invalid('metadata.labels', value, labelValueRule));
  }
  for (const key of Object.keys(annotations)) {
    if (!isQualifiedName(key.toLowerCase())) {
      errors.push(fieldError.invalid('metadata.annotations', key, qualifiedNameRule));
    }
  }
  finalizers.forEach((finalizer, index) => {
    if (!isQualifiedName(finalizer)) {
      errors.push(fieldError.invalid(`metadata.finalizers[${index}]`, finalizer, qualifiedNameRule));
    }
  });
  return errors;
}

/** Restores the fields that an update cannot change. Returns errors for changes that are refused. */
export function keepServerMetadata(next: KubeObject, previous: KubeObject): FieldError[] {
  const errors: FieldError[] = [];
  const uid = next.metadata.uid;
  if (typeof uid === 'string' && uid !== '' && uid !== previous.metadata.uid) {
    errors.push(fieldError.invalid('metadata.uid', uid, 'field is immutable'));
  }
  for (const key of [
    'name',
    'namespace',
    'uid',
    'creationTimestamp',
    'generation',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
  ]) {
    const kept = valueAt(previous.metadata, key);
    if (kept === undefined) delete next.metadata[key];
    else next.metadata[key] = kept;
  }
  delete next.metadata['managedFields'];
  if (previous.metadata.deletionTimestamp !== undefined) {
    const before = new Set(previous.metadata.finalizers);
    const added = (next.metadata.finalizers ?? []).filter((finalizer) => !before.has(finalizer));
    if (added.length > 0) {
      const detail = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((name) => JSON.stringify(name)).join(', ')}}`;
      errors.push(fieldError.forbidden('metadata.finalizers', detail));
    }
  }
  return errors;
}
