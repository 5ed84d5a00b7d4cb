/** Structured logs: one JSON line an event, with the request id that follows a mutation from the server to the pod. */
import { pino, type Logger } from 'pino';

export type Log = Logger;

/** Paths under which a secret might stand in a logged object. */
const secretPaths = ['req.headers.authorization', 'req.headers.cookie', '*.password', '*.token', '*.secret'];

export function createLog(options: { name: string; level: string; destination?: { write(line: string): void } }): Log {
  const settings = { name: options.name, level: options.level, redact: secretPaths };
  return options.destination ? pino(settings, options.destination) : pino(settings);
}
