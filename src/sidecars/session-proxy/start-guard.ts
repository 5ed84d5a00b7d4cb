/**
 * OpenCode never answers the request that reaches it in the moment in which it begins to listen: so it was in each of eight starts of
 * version 1.18.33. A page of a person would wait for ever. So after each start one health check goes first, which may be lost.
 */

import { request as send } from 'node:http';

const maxChecks = 3;

export interface StartGuard {
  /** Calls `forward` if OpenCode is known to answer, or after some checks; `refuse` if nothing listens. */
  pass(forward: () => void, refuse: () => void): void;
  /** A connection to OpenCode has failed or ended early, so it may start again. */
  close(): void;
}

export function createStartGuard(options: {
  upstream: { host: string; port: number };
  authorization: string;
  /** A check without an answer after this time is lost, or OpenCode is very busy. */
  checkMs: number;
}): StartGuard {
  let isOpen = false;
  let running: Promise<boolean> | null = null;

  async function checkUntilAnswered(): Promise<boolean> {
    for (let number = 0; number < maxChecks && !isOpen; number += 1) {
      const result = await checkOnce(options);
      if (result === 'refused') return false;
      isOpen = result === 'answered';
    }
    // It listens and is busy. What was lost in its start was a check.
    return true;
  }

  async function passLater(forward: () => void, refuse: () => void): Promise<void> {
    running ??= checkUntilAnswered().finally(() => (running = null));
    if (await running) forward();
    else refuse();
  }

  return {
    pass(forward, refuse) {
      if (isOpen) forward();
      else void passLater(forward, refuse);
    },
    close() {
      isOpen = false;
    },
  };
}

function checkOnce({
  upstream,
  authorization,
  checkMs,
}: Parameters<typeof createStartGuard>[0]): Promise<'answered' | 'refused' | 'lost'> {
  const { promise, resolve } = Promise.withResolvers<'answered' | 'refused' | 'lost'>();
  const request = send({ ...upstream, path: '/global/health', agent: false, headers: { authorization } }, (answer) => {
    answer.resume();
    resolve('answered');
  });
  request.setTimeout(checkMs, () => {
    resolve('lost');
    request.destroy();
  });
  request.on('error', () => resolve('refused'));
  request.end();
  return promise;
}
