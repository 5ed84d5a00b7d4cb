/** HTTP 400 and 422: the API cannot read the object, or a field of it is not valid. `details.causes` says which fields. */

import { joinWithAnd } from './join-with-and.ts';
import { objectOf, type Answer, type RefusalTexts } from './refusal.ts';
import { quoted, withoutNames } from './report-text.ts';

/** A pod has three containers and one before them (`kube/manifests.ts`). Further ones come from an admission webhook. */
const isOfAddedContainer = (field: string): boolean => {
  const [, kind, index] = /^spec\.(containers|initContainers)\[(\d+)\]/.exec(field) ?? [];
  return kind !== undefined && Number(index) >= (kind === 'containers' ? 3 : 1);
};

const correctSettings = 'An administrator must correct the settings.';

export function invalidRefusal(answer: Answer): RefusalTexts {
  if (isImmutable(answer)) {
    const fields = joinWithAnd(fieldsOf(answer).slice(0, 3));
    return {
      reason: 'change-refused',
      message: `The ${objectOf(answer)} exists, and the cluster does not allow this change of it${fields === '' ? '' : ` (${fields})`}.`,
      nextStep:
        'An administrator must set the changed setting back, or delete the object, so that it is created again.',
      kind: 'terminal',
    };
  }
  if (fieldsOf(answer).some((field) => /^metadata\.(?:name|generateName)\b/.test(field))) {
    return {
      reason: 'invalid-name',
      message: `The name of the ${objectOf(answer)} is not valid in the cluster.`,
      nextStep: correctSettings,
      kind: 'terminal',
    };
  }
  const known = knownFields(answer);
  const fields = known.length > 0 ? known : fieldsOf(answer).slice(0, 3);
  const details = fields.length > 0 ? ` (${joinWithAnd(fields)})` : '';
  if (fieldsOf(answer).some(isOfAddedContainer)) {
    return {
      reason: 'invalid-spec',
      message: `The cluster says that the pod is invalid, in a container that another program of the cluster adds to it${details}. ${quoted(causeOf(answer))}`,
      nextStep: 'An administrator must correct what adds the container (a webhook, such as that of a service mesh).',
      kind: 'terminal',
    };
  }
  return {
    reason: 'invalid-spec',
    message:
      `The cluster says that the ${objectOf(answer)} is invalid${details}.${known.length > 0 ? '' : ` ${quoted(causeOf(answer))}`}`.trim(),
    nextStep: correctSettings,
    kind: 'terminal',
  };
}

/**
 * `apimachinery/pkg/api/validation`: "field is immutable". `core/validation` forbids single changes: "may not change fields other
 * than", "spec is immutable after creation", "field can not be less than".
 */
function isImmutable({ text, causes }: Answer): boolean {
  const messages = causes.length > 0 ? causes.map(({ message = '' }) => message) : [text];
  return messages.some((message) =>
    /\bimmutable\b|may not change fields|(?:field )?can ?not be (?:changed|updated|less than)|may not be (?:changed|updated)/i.test(
      withoutNames(withoutValues(message)),
    ),
  );
}

/** `apimachinery/pkg/util/validation/field/errors.go`: `Invalid value: "what somebody wrote": what is wrong with it`. */
const withoutValues = (message: string) => message.replace(/\b(\w+ value): "(?:[^"\\]|\\.)*"/g, '$1');

/** The paths of the invalid fields. Old servers name them only in the text. */
function fieldsOf({ causes, text }: Answer): string[] {
  const fields = causes.flatMap(({ field }) => (field === undefined || field === '' ? [] : [field]));
  if (fields.length > 0) return [...new Set(fields)];
  const inText = [...text.matchAll(/(?:^|[\s[])((?:metadata|spec)(?:[.[][\w.[\]-]*)?): /g)].flatMap(
    ([, field]) => field ?? [],
  );
  return [...new Set(inText)];
}

function knownFields(answer: Answer): string[] {
  const fields = fieldsOf(answer);
  const has = (pattern: RegExp) => fields.some((field) => pattern.test(field));
  return [
    ...(has(/\.image$/) ? ['its image'] : []),
    ...(has(/\.resources\b(?!.*storage)/) ? ['its CPU or memory'] : []),
    ...(has(/storage$/) ? ['its size'] : []),
  ];
}

function causeOf({ text, causes }: Answer): string {
  return causes.find(({ message }) => message)?.message ?? text;
}
