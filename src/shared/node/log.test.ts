import { expect, it } from 'vitest';

import { createLog } from './log.ts';

function logged(error: unknown): { line: string; err: Record<string, unknown> } {
  const lines: string[] = [];
  createLog({ name: 'test', level: 'trace', destination: { write: (line) => lines.push(line) } }).error({ err: error });
  const line = lines.join('');
  return { line, err: (JSON.parse(line) as { err: Record<string, unknown> }).err };
}

it('the name, message, stack, code and causes of an error are logged', () => {
  const cause = Object.assign(new TypeError('below'), { code: '23514', constraint: 'projects_name', status: 400 });
  const { err } = logged(new Error('above', { cause }));
  expect(err).toMatchObject({
    type: 'Error',
    message: 'above',
    stack: expect.stringContaining('log.test.ts') as string,
    cause: { type: 'TypeError', message: 'below', code: '23514', constraint: 'projects_name', status: 400 },
  });
});

it('other properties that a library adds to an error are not logged', () => {
  const extras = {
    detail: 'Failing row contains (SECRET).',
    command: { name: 'auth', args: ['SECRET'] },
    error_description: 'SECRET',
    error: 'invalid grant: SECRET',
    response: { body: 'SECRET' },
  };
  const error = new Error('above', { cause: Object.assign(new Error('below', { cause: { body: 'SECRET' } }), extras) });
  expect(logged(Object.assign(error, extras)).line).not.toContain('SECRET');
  expect(logged(extras).line).not.toContain('SECRET');
});

it('a text that could not be parsed is not quoted', () => {
  for (const text of ['SECRET', '{"token": SECRET', 'SECRET}'.repeat(10)]) {
    try {
      JSON.parse(text);
      expect.unreachable();
    } catch (error) {
      expect(logged(new Error('The answer is no JSON.', { cause: error })).line).not.toContain('SEC');
    }
  }
});

it('an error that is its own cause is logged once', () => {
  const error = new Error('round');
  error.cause = error;
  expect(logged(error).err['message']).toBe('round');
});
