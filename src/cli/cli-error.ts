/** What the CLI tells the person instead of a stack: a sentence that says what to do next. */
export class CliError extends Error {
  override readonly name = 'CliError';
  /** 2: the command was not understood. 1: it was understood and failed. */
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
