/** The log of the embedded services. A pino logger has this form. */
export interface EmbeddedLog {
  info(message: string): void;
  warn(message: string): void;
}

export const silentLog: EmbeddedLog = { info: () => undefined, warn: () => undefined };
