/** Structured logs: one JSON line per event, with the request id that follows a mutation from the server to the pod. */

import { pino, type Logger } from 'pino';

export type Log = Logger;

/** Paths of a logged object that may contain a secret. */
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

/** Properties that libraries add to their errors. Only short identifiers and numbers are logged, never free text. */
const facts = ['code', 'error', 'status', 'table', 'constraint'] as const;
const isFact = (value: unknown): boolean =>
  typeof value === 'number' || (typeof value === 'string' && /^[\w.-]{1,63}$/.test(value));
const maxDepth = 5;

/**
 * The part of an error that helps to find its cause. Other properties of library errors may contain secrets: the row that a
 * database refused, the arguments of a failed command, or an issuer's text about the code that it received.
 */
function factsOf(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error === 'object' ? undefined : error;
  const known = error as Error & Partial<Record<(typeof facts)[number], unknown>>; // each property is checked before it is used
  // The message of a syntax error quotes the text, and the stack starts with the message.
  const message = error instanceof SyntaxError ? 'A text could not be parsed.' : error.message;
  return {
    type: error.name,
    message,
    stack: error instanceof SyntaxError ? error.stack?.replace(error.message, message) : error.stack,
    ...Object.fromEntries(facts.filter((fact) => isFact(known[fact])).map((fact) => [fact, known[fact]])),
    ...(error.cause === undefined || depth === maxDepth ? {} : { cause: factsOf(error.cause, depth + 1) }),
  };
}
