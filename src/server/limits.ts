/** Every limit on what a client may send or hold, in one place. Documented in `docs/operations/limits.md`. */

import { maxConfigBytes } from '../shared/contract/config.ts';
import { maxEditableBytes } from '../shared/contract/file-limits.ts';

/** Bytes of an HTTP body and of a WebSocket frame. */
export const maxMessageBytes = 64 * 1024;
/** Bytes of a call that writes a file: JSON needs two bytes for a quote or the end of a line. */
export const maxWriteCallBytes = 2 * maxEditableBytes;
/** Bytes of a call that saves a configuration, for the same reason. */
export const maxConfigCallBytes = 2 * maxConfigBytes + 4 * 1024;
/** Downloads of one user at the same time, in each process. */
export const maxTransfersPerUser = 8;
/** How long one download may take. */
export const maxDownloadMs = 60 * 60 * 1000;
/** Calls in one HTTP request. */
export const maxBatchSize = 20;
/** Open subscriptions of one socket. */
export const maxSubscriptionsPerSocket = 20;
/** Calls in one WebSocket frame: a client that reconnects sends all its subscriptions in one frame. */
export const maxCallsPerFrame = 2 * maxSubscriptionsPerSocket;
/** Bytes that may wait for a slow client before its subscriptions pause. */
export const pauseAboveBytes = 64 * 1024;
/** Bytes that may wait for a slow client before its socket is closed. */
export const closeAboveBytes = 1024 * 1024;
/** How long a client may keep its subscriptions paused. */
export const maxStallMs = 20_000;
/** How long a socket may stay open while nobody is signed in on it. */
export const anonymousSocketMs = 10_000;
/** For reading a request, and for answering it. */
export const httpTimeoutMs = 10_000;
/** How long a browser session lasts. */
export const sessionTtlMs = 7 * 24 * 60 * 60 * 1000;
/** How long a person may take at the issuer's sign-in page. */
export const loginTtlMs = 10 * 60 * 1000;
/** How long a poll waits for a change: less than the server may take to answer a request. */
export const maxPollMs = 8_000;
/** How long a poll waits for further changes after the first one. */
export const gatherMs = 20;
/** How long the hub remembers a user after a poll. */
export const keepUserMs = 15_000;
/** Stream entries that one server keeps for subscribers that resume. For more entries a snapshot is cheaper. */
export const maxRecentEntries = 5_000;
/** Projects that one comparison with the database reads and delivers. */
export const maxRepairsPerComparison = 500;
/** Requests a minute, as shares of RATE_LIMIT_PER_MINUTE, which limits the calls of one user. These limits are per address. */
export const rateShares = {
  /** All requests to the API, before the caller is identified: many people of a company share one address. */
  address: 10,
  /** Calls without a caller, or with a wrong token. */
  anonymous: 1 / 10,
  /** Requests that sign in or out; one sign-in takes two. */
  signIn: 1 / 20,
  /** WebSocket handshakes: after a restart of the server all people of a company reconnect at once. */
  handshake: 1 / 5,
  /** Messages of one user on sockets, whatever they hold: each subscription takes one to open and one to stop. */
  messages: 1,
} as const;
/** As many messages as a PING text counts, because it is answered at once: a page sends three a minute. */
export const messagesPerPing = 10;
/** Sockets that one user may have open, as a share of RATE_LIMIT_PER_MINUTE: a page uses one. */
export const socketsShare = 1 / 30;
/** Users, and addresses of each kind, that the rate limits remember in one process; some megabytes. */
export const maxRateLimitKeys = 20_000;
/** Computers that may ask for a login from one address in a minute, in each process. */
export const deviceLoginsPerMinute = 10;
/** Codes of computers that a person may try in a minute, in each process. A login takes two. */
export const userCodesPerMinute = 8;
/** Tasks of one project. A subscription sends all of them at once. */
export const maxTasksPerProject = 500;
/** Runs of one project that have not ended. All agents of a project share the memory of its pod. */
export const maxActiveRunsPerProject = 10;
