/** Every limit on what a client may send or hold, in one place. Documented in `docs/operations/limits.md`. */

/** Of an HTTP body and of a WebSocket frame. */
export const maxMessageBytes = 64 * 1024;
/** Calls in one HTTP request. */
export const maxBatchSize = 20;
/** Open subscriptions of one socket. */
export const maxSubscriptionsPerSocket = 20;
/** Calls in one WebSocket frame: a client that reconnects sends all its subscriptions in one. */
export const maxCallsPerFrame = 2 * maxSubscriptionsPerSocket;
/** Bytes that may wait for a slow client before its subscriptions pause. */
export const pauseAboveBytes = 64 * 1024;
/** Bytes that may wait for a slow client before its socket is closed. */
export const closeAboveBytes = 1024 * 1024;
/** How long a paused client may take to read on. */
export const maxStallMs = 20_000;
/** How long a socket may stay open without anybody being signed in on it. */
export const anonymousSocketMs = 10_000;
/** Of reading a request, and of answering it. */
export const httpTimeoutMs = 10_000;
/** How long a browser session lasts. */
export const sessionTtlMs = 7 * 24 * 60 * 60 * 1000;
/** How long a person may take at the issuer's sign-in page. */
export const loginTtlMs = 10 * 60 * 1000;
/** Projects on the way to one subscriber, above which a snapshot is cheaper. */
export const ringSize = 5_000;
/** What may be asked a minute, as shares of RATE_LIMIT_PER_MINUTE (the calls of one user). All but that are by address. */
export const rateShares = {
  /** All requests to the API, before anybody is looked up: many people of a company share one address. */
  address: 10,
  /** Calls with which nobody is signed in, or with a token that is wrong. */
  anonymous: 1 / 10,
  /** Requests of signing in and out; a sign-in takes two. */
  signIn: 1 / 20,
  /** WebSocket handshakes: after a restart of the server a whole company comes back at once. */
  handshake: 1 / 5,
} as const;
/** Users, and addresses of each kind, that the rate limits remember in one process; some megabytes. */
export const maxRateLimitKeys = 20_000;
