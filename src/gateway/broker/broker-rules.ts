/** The limits of the model broker, and how it refuses a request. */

export const brokerLimits = {
  /** Prompts with images are large. */
  bodyBytes: 32 * 1024 * 1024,
  /** Bodies of all requests that are being read or sent. */
  allBodyBytes: 256 * 1024 * 1024,
  answerBytes: 128 * 1024 * 1024,
  errorBytes: 64 * 1024,
  requestsPerProject: 32,
  bodyMs: 60_000,
  answerMs: 60 * 60_000,
};
export type BrokerLimits = typeof brokerLimits;

export type BrokerOutcome = 'answered' | 'refused' | 'limited' | 'provider-error' | 'unreachable' | 'failed';

/** A request that is refused here, as a sentence. */
export class Refusal extends Error {
  readonly status: number;
  readonly type: string;
  readonly outcome: BrokerOutcome;

  constructor(status: number, type: string, message: string, outcome: BrokerOutcome = 'refused') {
    super(message);
    this.status = status;
    this.type = type;
    this.outcome = outcome;
  }
}
