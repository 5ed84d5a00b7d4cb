/** Values for the test of hostile input. */

/** Brackets that are nested this deep. */
export const nested = (depth: number, open = '[', close = ']', core = '') =>
  open.repeat(depth) + core + close.repeat(depth);

/** JSON texts, none of which is a valid input of any procedure. */
export const shapes: Record<string, string> = {
  null: 'null',
  'a text': '"text"',
  'a number': '1e999',
  'a list': '[]',
  'a field that nobody knows': '{"surprise":1}',
  'a prototype': '{"__proto__":{"isAdmin":true}}',
  'a constructor': '{"constructor":{"prototype":{"isAdmin":true}}}',
  'a list a thousand deep': nested(1_000),
  'objects a thousand deep': nested(1_000, '{"a":', '}', '1'),
  'half a JSON': '{"id":',
  'two of them': '{}{}',
};

/** Texts with a meaning in a shell, a template, YAML, SQL, HTML, a path or a label selector, and texts that look like others. */
export const spells = [
  '$(reboot)',
  '`id`',
  '{{7*7}}',
  '${env.SECRET}',
  'a\nb: c',
  "a'; drop table projects; --",
  '<script>alert(1)</script>',
  '../../etc/passwd',
  'a/b',
  'a=b,c!=d',
  'a.b',
  '-rf',
  '.',
  '\u202Eevil', // reverses the reading direction
  '\u0430', // looks like an a
  '😀',
  'a\u0000b',
  '\ud800', // half a character
  'x'.repeat(10_000),
];
export const notTexts: unknown[] = [true, 5, {}, [], ['a'], { toString: 'a' }];
export const tooLong = 'x'.repeat(10_000);
export const badIds = [...notTexts, ...spells, '', '0', '00000000-0000-0000-0000-00000000000g'];
const madeUp = (position: object) => Buffer.from(JSON.stringify(position)).toString('base64url');
export const badCursors = [
  ...notTexts,
  ...spells,
  madeUp({ sort: 'createdAt', seq: -1, name: 'a' }),
  madeUp({ sort: 'createdAt', seq: 1e300, name: 'a' }),
  madeUp({ sort: 'createdAt', seq: 1, name: "a' or 1=1" }),
  madeUp({ sort: 'name', seq: 1, name: 'a' }),
  madeUp({ sort: 'createdAt', seq: 1, name: 'a', owner: 'x' }),
];
