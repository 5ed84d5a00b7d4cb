/** Generates valid and invalid inputs of a procedure from its schema, each with what is known about the expected answer. */

import fc from 'fast-check';
import { z } from 'zod';

import { appRouter } from '../../src/server/router.ts';
import { hostileString, strangeKey, textOfType, type JsonType } from './hostile-text.ts';

export interface HostileInput {
  /** The kind of change, for the counts. */
  kind:
    | 'right'
    | 'wrong type'
    | 'hostile text'
    | 'missing field'
    | 'unknown field'
    | 'twice a field'
    | 'no object'
    | 'no JSON';
  text: string;
  /** The field that must be refused; `null` when the schema decides. */
  refusedField: string | null;
}

const schemaShape = z.object({
  type: z.enum(['string', 'integer', 'number', 'boolean', 'null', 'object', 'array']).optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
  enum: z.array(z.string()).optional(),
  const: z.string().optional(),
  items: z.unknown().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  format: z.string().optional(),
  pattern: z.string().optional(),
  minLength: z.number().optional(),
  maxLength: z.number().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
});
const objectShape = z.object({
  type: z.literal('object'),
  properties: z.record(z.string(), z.unknown()),
  required: z.array(z.string()).optional(),
});

// oxlint-disable-next-line no-underscore-dangle -- tRPC offers no other way to its definitions
const definitions = appRouter._def.procedures as unknown as Record<string, { _def: { inputs: z.ZodType[] } }>;

/** The input schema of this procedure. */
export function inputSchemaOf(name: string): z.ZodType {
  // oxlint-disable-next-line no-underscore-dangle -- as above
  const [schema, second] = definitions[name]?._def.inputs ?? [];
  if (!schema || second) throw new Error(`${name} has not exactly one schema of its input.`);
  return schema;
}

/**
 * @param ids of the caller's objects; a field that takes an id sometimes gets one of them
 * @throws Error when it cannot generate values for the schema of a field, so that no field is skipped silently
 */
export function hostileInputsOf(schema: z.ZodType, ids: string[]): fc.Arbitrary<HostileInput> {
  const { properties, required = [] } = objectShape.parse(z.toJSONSchema(schema, { io: 'input' }));
  const names = Object.keys(properties);
  const valueOf = (name: string) => textOf(properties[name], ids);
  const right: fc.Arbitrary<[string, string][]> = fc
    .tuple(...names.map((name) => fc.tuple(fc.constant(name), valueOf(name), fc.boolean())))
    .map((fields) =>
      fields.flatMap(([name, text, desired]) => (desired || required.includes(name) ? [[name, text]] : [])),
    );
  const input = (
    kind: HostileInput['kind'],
    fields: [string, string][],
    refusedField: string | null,
  ): HostileInput => ({
    kind,
    text: `{${fields.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`,
    refusedField,
  });
  const kinds: fc.WeightedArbitrary<HostileInput>[] = [
    { weight: 3, arbitrary: right.map((fields) => input('right', fields, null)) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(right, strangeKey, anyText, fc.boolean())
        .filter(([, key]) => !names.includes(key))
        .map(([fields, key, text, first]) =>
          input('unknown field', first ? [[key, text], ...fields] : [...fields, [key, text]], key),
        ),
    },
    { weight: 1, arbitrary: anyText.map((text) => ({ kind: 'no object', text, refusedField: null })) },
    {
      weight: 1,
      arbitrary: fc.tuple(right, fc.nat(20)).map(([fields, at]) => ({
        kind: 'no JSON',
        text: broken(input('right', fields, null).text, at),
        refusedField: null,
      })),
    },
  ];
  if (names.length > 0) {
    const withName = fc.tuple(right, fc.constantFrom(...names));
    const replaced = (fields: [string, string][], name: string, text: string): [string, string][] => [
      ...fields.filter(([each]) => each !== name),
      [name, text],
    ];
    kinds.push(
      {
        weight: 4,
        arbitrary: withName.chain(([fields, name]) =>
          wrongType(properties[name]).map((text) => input('wrong type', replaced(fields, name, text), name)),
        ),
      },
      {
        weight: 6,
        arbitrary: fc
          .tuple(withName, hostileString)
          .map(([[fields, name], text]) => input('hostile text', replaced(fields, name, JSON.stringify(text)), null)),
      },
      {
        weight: 1,
        arbitrary: fc
          .tuple(withName, anyText)
          .map(([[fields, name], text]) => input('twice a field', [[name, text], ...fields], null)),
      },
    );
  }
  if (required.length > 0) {
    kinds.push({
      weight: 2,
      arbitrary: fc.tuple(right, fc.constantFrom(...required)).map(([fields, name]) =>
        input(
          'missing field',
          fields.filter(([each]) => each !== name),
          name,
        ),
      ),
    });
  }
  return fc.oneof(...kinds);
}

const anyText = fc.oneof(...Object.values(textOfType));

/** Truncated, doubled, or with values that JavaScript has but JSON does not. */
function broken(text: string, at: number): string {
  const ways = [
    text.slice(0, -1),
    text + text,
    '{"name":NaN}',
    "{'name':'a'}",
    '{"name":undefined}',
    '\ufeff{}x',
    '{"a":1,}',
    '"\u0001"',
  ];
  return ways[at % ways.length] ?? '{';
}

/** JSON of valid values for this field, as far as they follow from its JSON schema. */
function textOf(schema: unknown, ids: string[]): fc.Arbitrary<string> {
  const { type, anyOf, oneOf, format, pattern, ...rest } = schemaShape.parse(schema);
  const variants = anyOf ?? oneOf;
  if (variants) return fc.oneof(...variants.map((one) => textOf(one, ids)));
  if (rest.const !== undefined) return fc.constant(JSON.stringify(rest.const));
  if (rest.enum) return fc.constantFrom(...rest.enum).map((text) => JSON.stringify(text));
  switch (type) {
    case 'null':
      return fc.constant('null');
    case 'array':
      return fc.array(textOf(rest.items, ids), { maxLength: 3 }).map((items) => `[${items.join(',')}]`);
    case 'object': {
      const fields = Object.entries(rest.properties ?? {}).map(([key, field]) =>
        textOf(field, ids).map((text) => `${JSON.stringify(key)}:${text}`),
      );
      return fc.tuple(...fields).map((texts) => `{${texts.join(',')}}`);
    }
    case 'boolean':
      return fc.boolean().map(String);
    case 'integer':
    case 'number':
      return fc.integer({ min: rest.minimum ?? -1_000, max: rest.maximum ?? 1_000 }).map(String);
    case 'string': {
      const bounds = { minLength: rest.minLength ?? 0, maxLength: Math.min(rest.maxLength ?? 200, 3_000) };
      const text =
        format === 'uuid'
          ? fc.oneof(
              { weight: 4, arbitrary: fc.constantFrom(...ids) },
              { weight: 1, arbitrary: fc.uuid({ version: 4 }) },
            )
          : format === 'date-time'
            ? times
            : pattern === undefined
              ? fc.oneof(
                  fc.constantFrom('https://example.org/a/b', 'git@example.org:a/b.git', 'ssh://git@host/x'),
                  fc.string(bounds),
                )
              : matching(new RegExp(pattern, 'u'), bounds);
      return text.map((one) => JSON.stringify(one));
    }
    default:
      throw new Error(`The fuzz knows no values for ${JSON.stringify(schema)}: teach it.`);
  }
}

/** The limits lie in other years in other time zones. */
const times = fc.oneof(
  fc
    .date({ min: new Date('2030-01-01'), max: new Date('2099-01-01'), noInvalidDate: true })
    .map((date) => date.toISOString()),
  fc.constantFrom(
    '9999-12-31T23:59:59Z',
    '9999-12-31T23:59:59-23:59',
    '0000-01-01T00:00:00+23:59',
    '2096-02-29T00:00:00Z',
  ),
);

/** The characters of names: few enough that equal names occur. */
const nameCharacters = fc.constantFrom(...Array.from('abcXYZ019 _-.:ä漢'));

function matching(pattern: RegExp, bounds: { minLength: number; maxLength: number }): fc.Arbitrary<string> {
  // Names and their like are made from hostile characters. Few of those fit another pattern, such as the id of a commit.
  if (!pattern.test('Name-1')) {
    return fc.stringMatching(pattern).filter(({ length }) => length >= bounds.minLength && length <= bounds.maxLength);
  }
  const long = fc
    .integer({ min: Math.max(bounds.minLength, 1), max: bounds.maxLength })
    .map((length) => 'x'.repeat(length));
  if (bounds.minLength > 8) return long;
  return fc.oneof(
    fc
      .string({ unit: nameCharacters, ...bounds, maxLength: Math.min(bounds.maxLength, 8) })
      .filter((text) => pattern.test(text)),
    long,
    fc
      .nat(1_000_000)
      .map((number) => `Name-${number}`)
      .filter((text) => pattern.test(text)),
  );
}

function typesOf(schema: unknown): JsonType[] {
  const { type, anyOf, oneOf, enum: values } = schemaShape.parse(schema);
  const variants = anyOf ?? oneOf;
  if (variants) return variants.flatMap(typesOf);
  if (values) return ['string'];
  return type === undefined ? [] : [type === 'integer' ? 'number' : type];
}

function wrongType(schema: unknown): fc.Arbitrary<string> {
  const right = typesOf(schema);
  // A string that the schema converts to null would not be a wrong type. There is no such field.
  const wrong = (Object.keys(textOfType) as JsonType[]).filter((type) => !right.includes(type)); // these are its keys
  return fc.oneof(...wrong.map((type) => textOfType[type]));
}
