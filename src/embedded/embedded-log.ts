/** Where the embedded services tell what they do; a pino logger fits as it is. */
export interface EmbeddedLog {
  info(message: string): void;
  warn(message: string): void;
}

export const silentLog: EmbeddedLog = { info: () => undefined, warn: () => undefined };
