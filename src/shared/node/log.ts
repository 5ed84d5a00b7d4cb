/** Structured logs: one JSON line an event, with the request id that follows a mutation from the server to the pod. */

import { pino, type Logger } from 'pino';

export type Log = Logger;

/** Paths under which a secret might stand in a logged object. */
const secretPaths = ['req.headers.authorization', 'req.headers.cookie', '*.password', '*.token', '*.secret'];

export function createLog(options: { name: string; level: string; destination?: { write(line: string): void } }): Log {
  const settings = {
    name: options.name,
    level: options.level,
    redact: secretPaths,
    serializers: { err: (error: unknown) => factsOf(error) },
  };
  return options.destination ? pino(settings, options.destination) : pino(settings);
}

/** Words of a closed list that libraries give their errors; whatever is longer or has other characters is none. */
const facts = ['code', 'error', 'status', 'table', 'constraint'] as const;
const isFact = (value: unknown): boolean =>
  typeof value === 'number' || (typeof value === 'string' && /^[\w.-]{1,63}$/.test(value));
const maxDepth = 5;

/**
 * Of an error what helps to find its cause, and nothing else that libraries hang onto theirs: the row that a database
 * refused, the command that failed with its arguments, what an issuer wrote about the code that it was sent.
 */
function factsOf(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error === 'object' ? undefined : error;
  const known = error as Error & Partial<Record<(typeof facts)[number], unknown>>; // each is looked at before it is used
  // A text that could not be parsed is quoted in the message, and the message opens the stack.
  const message = error instanceof SyntaxError ? 'A text could not be parsed.' : error.message;
  return {
    type: error.name,
    message,
    stack: error instanceof SyntaxError ? error.stack?.replace(error.message, message) : error.stack,
    ...Object.fromEntries(facts.filter((fact) => isFact(known[fact])).map((fact) => [fact, known[fact]])),
    ...(error.cause === undefined || depth === maxDepth ? {} : { cause: factsOf(error.cause, depth + 1) }),
  };
}
