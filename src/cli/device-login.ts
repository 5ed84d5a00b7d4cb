/** Logs this computer in: it shows a code, and waits until a person has confirmed the code in a browser (RFC 8628). */

import { setTimeout as delay } from 'node:timers/promises';

import { toDeviceName, type PolledDeviceLogin } from '../shared/contract/device-login.ts';
import { readAppError, type Client } from '../shared/sdk/client.ts';
import { CliError } from './cli-error.ts';
import { printable } from './terminal.ts';

const again = 'Run "opm login" again.';

type Devices = {
  start: Pick<Client['trpc']['devices']['start'], 'mutate'>;
  poll: Pick<Client['trpc']['devices']['poll'], 'mutate'>;
};

interface Options {
  /** Of this computer. */
  name: string;
  note: (text: string) => void;
  signal: AbortSignal;
  wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** @returns the personal access token. @throws CliError when the person refuses, or nobody confirms in time */
export async function awaitConfirmation(
  devices: Devices,
  { name, note, signal, wait = waitFor }: Options,
): Promise<string> {
  const started = await devices.start.mutate({ name: toDeviceName(name) });
  note(
    `Open ${printable(started.verificationUriComplete)} in a browser, or ${printable(started.verificationUri)} and enter the code ` +
      `${printable(started.userCode)}.\nConfirm there that this is your computer. The code is valid for ${Math.round(started.expiresIn / 60)} minutes.\n`,
  );
  let { interval } = started;
  for (let waitedSeconds = 0; waitedSeconds <= started.expiresIn; waitedSeconds += interval) {
    await wait(interval * 1_000, signal);
    const polled = await poll(devices, started.deviceCode);
    switch (polled?.status) {
      case 'complete':
        return polled.token;
      case 'access_denied':
        throw new CliError(`The login was refused in the browser. ${again}`);
      case 'expired_token':
        throw new CliError(`The code has expired. ${again}`);
      case 'authorization_pending':
      case 'slow_down':
        ({ interval } = polled);
        break;
      case undefined: // the next attempt may succeed
    }
  }
  throw new CliError(`Nobody has confirmed the code in time. ${again}`);
}

/** @returns `null` when the installation does not answer, or is busy */
async function poll(devices: Devices, deviceCode: string): Promise<PolledDeviceLogin | null> {
  try {
    return await devices.poll.mutate({ deviceCode });
  } catch (error) {
    const code = readAppError(error)?.code;
    if (code === undefined || code === 'UNAVAILABLE' || code === 'RATE_LIMITED') return null;
    throw error;
  }
}

async function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal });
}
