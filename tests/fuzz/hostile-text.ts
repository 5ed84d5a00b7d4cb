/** JSON texts that an attacker might send. They are text because `1e400` and `__proto__` do not survive JSON.stringify. */

import fc from 'fast-check';

/** Texts with a meaning in a shell, SQL, HTML, YAML, a template, a path, a label selector or git, and texts that look like others. */
const spells = [
  '$(reboot)',
  '`id`',
  '; rm -rf /',
  '$(PROJECT_ID)',
  '--upload-pack=id',
  "a'; drop table projects; --",
  '" or 1=1 --',
  '<img src=x onerror=alert(1)>',
  '</script><script>alert(1)</script>',
  'javascript:alert(1)',
  '&lt;b&gt;',
  '{{7*7}}',
  '${env.SESSION_SECRET}',
  '- a: &x [*x]',
  'a: |\n  b',
  '../../etc/passwd',
  '%2e%2e%2f',
  'a=b,c!=d',
  'kubernetes.io/metadata.name',
  'A.-_',
  '-rf',
  'x'.repeat(64),
  'x'.repeat(254),
  'null',
  '%00',
  'https://host/$(HOME)',
  'https://user:word@host/',
  'ssh://-oProxyCommand=id/x',
  'ssh://-oProxyCommand=id@host/x',
  'git@-oProxyCommand:x',
  'file:///etc/passwd',
  'http://[::1',
  'https://host:99999/',
  'https://example.org/\u202Egnp.exe',
  'https://g\u0456thub.com/a', // a Cyrillic letter
  '9999-12-31T23:59:59-23:59', // in the year 10000 elsewhere
  '0000-01-01T00:00:00Z',
  '2027-02-29T00:00:00Z',
  '2100-01-01T00:00:00.123456789012345678901234567890Z',
  '9223372036854775808',
  '-1',
  '1-0',
  '18446744073709551615-18446744073709551615',
  '00000000-0000-0000-0000-000000000000',
  '0000000g-0000-0000-0000-000000000000',
];

const strange = [
  '\u0000',
  '\u001b[31m',
  '\u007f',
  '\r\nSet-Cookie: a=b',
  '\ud800', // half a character
  'a\udfff',
  '\u{1f600}',
  '\u{10ffff}',
  '\u202Eevil', // reverses the reading direction
  '\u200b', // has no width
  '\ufeff',
  'e\u0301\u0301\u0301\u0301',
  '\u0430', // looks like an a
  '\u2028',
  '\u0130', // longer in lower case
  '\u00df',
  '\ufb03',
];

/** Cursors of the right form that no list of this server has given out. */
const madeUpCursors = [
  { sort: 'createdAt', seq: -1, name: 'a' },
  { sort: 'createdAt', seq: 1e300, name: 'a' },
  { sort: 'createdAt', seq: 9_007_199_254_740_991, name: 'a' },
  { sort: 'name', seq: 1, name: "a' or 1=1" },
  { sort: 'name', seq: 1, name: 'a' },
  { sort: 'createdAt', seq: 1, name: 'a', owner: 'x' },
  { sort: 'createdAt', seq: '1', name: ['a'] },
].map((position) => Buffer.from(JSON.stringify(position)).toString('base64url'));

/**
 * Any character; half characters are not among them. With `unit: 'binary'` the library would first list all million of them, which
 * takes seconds of processor time and much memory.
 */
const anyCharacter = fc.oneof(fc.nat(0xd7ff), fc.integer({ min: 0xe000, max: 0x10ffff })).map(
  (code) => String.fromCodePoint(code),
  (text) => {
    const [character, ...others] = typeof text === 'string' ? text : '';
    const code = character?.codePointAt(0);
    if (code === undefined || others.length > 0) throw new Error('This is not one character.');
    return code;
  },
);

/** A text of any characters. */
export const anyText = ({ maxLength }: { maxLength?: number } = {}): fc.Arbitrary<string> =>
  fc.string({ unit: anyCharacter, ...(maxLength === undefined ? {} : { maxLength }) });

export const hostileString: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...spells) },
  { weight: 1, arbitrary: fc.constantFrom(...madeUpCursors) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom('', 'a', 'Name '), fc.constantFrom(...strange), fc.constantFrom('', 'b'))
      .map((parts) => parts.join('')),
  },
  { weight: 2, arbitrary: anyText() },
  { weight: 1, arbitrary: fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)) }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('x', '😀', '\u0301'), fc.integer({ min: 101, max: 12_000 }))
      .map(([unit, times]) => unit.repeat(times)),
  },
);

const hugeNumbers = ['1e400', '-1e400', '-0', '0', '-1', '101', '1.5', '1e-400', '9'.repeat(400), '9007199254740993'];

/** Brackets, or whatever opens and closes, that many deep. */
export const nested = (depth: number, open = '[', close = ']', core = '') =>
  open.repeat(depth) + core + close.repeat(depth);

export type JsonType = 'string' | 'number' | 'boolean' | 'null' | 'array' | 'object';

const prototypes = [
  '{"__proto__":{"isAdmin":true}}',
  '{"constructor":{"prototype":{"isAdmin":true}}}',
  '{"toString":null,"valueOf":1}',
  '{"then":"x"}',
];

/** JSON of each type. */
export const textOfType = {
  string: hostileString.map((text) => JSON.stringify(text)),
  number: fc.oneof(fc.constantFrom(...hugeNumbers), fc.double().filter(Number.isFinite).map(String)),
  boolean: fc.constantFrom('true', 'false'),
  null: fc.constant('null'),
  array: fc.oneof(
    fc.constantFrom('[]', '["a"]', '[[]]', '[null]', `[${'0,'.repeat(2_000)}0]`),
    fc.integer({ min: 2, max: 2_500 }).map((depth) => nested(depth)),
  ),
  object: fc.oneof(
    fc.constantFrom('{}', '{"a":1}', '{"length":5}', ...prototypes),
    fc.integer({ min: 2, max: 1_500 }).map((depth) => nested(depth, '{"a":', '}', '1')),
  ),
} satisfies Record<JsonType, fc.Arbitrary<string>>;

/** Names of fields that no input has, among them those that would do harm if they were taken over. */
export const strangeKey: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '', ' ', '0', 'a.b', '$where'),
  fc.constantFrom(
    'ownerId',
    'podName',
    'workspacePvcName',
    'namespace',
    'desiredState',
    'generation',
    'userId',
    'token',
  ),
  anyText({ maxLength: 20 }),
);
