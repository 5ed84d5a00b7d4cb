/** Runs the program of a kubeconfig that prints credentials, such as that of a cloud provider. It never outlives its limit. */

import { spawn } from 'node:child_process';
import process from 'node:process';

import type { Cluster } from '@kubernetes/client-node';
import { z } from 'zod';

import { parseJson } from '../../../shared/parse-json.ts';
import type { LoginProgram } from './kubeconfig.ts';

export interface LoginCredentials {
  token: string | null;
  /** A client certificate and its key, both as PEM. */
  certificate: { cert: string; key: string } | null;
  /** In milliseconds since the epoch, by the clock of whoever issued them. */
  expiresAtMs: number | null;
}

const longestOutput = 1_000_000;
const longestComplaint = 300;

const answerSchema = z.object({
  kind: z.literal('ExecCredential'),
  status: z.object({
    token: z.string().min(1).nullish(),
    clientCertificateData: z.string().min(1).nullish(),
    clientKeyData: z.string().min(1).nullish(),
    expirationTimestamp: z.string().nullish(),
  }),
});

/** @throws Error that names the program and says what it did. Its cause is what the program complained about */
export async function runLoginProgram(
  program: LoginProgram,
  { cluster, limitMs }: { cluster: Cluster | null; limitMs: number },
): Promise<LoginCredentials> {
  const answer = answerSchema.safeParse(parseJson(await outputOf(program, { cluster, limitMs })));
  if (!answer.success) throw new Error(`the program ${program.command} printed no credentials`);
  const { token, clientCertificateData: cert, clientKeyData: key, expirationTimestamp } = answer.data.status;
  const certificate = cert && key ? { cert, key } : null;
  if (!token && !certificate) throw new Error(`the program ${program.command} printed no credentials`);
  const expiresAtMs = Date.parse(expirationTimestamp ?? '');
  return { token: token ?? null, certificate, expiresAtMs: Number.isNaN(expiresAtMs) ? null : expiresAtMs };
}

function outputOf(
  program: LoginProgram,
  { cluster, limitMs }: { cluster: Cluster | null; limitMs: number },
): Promise<string> {
  const { command } = program;
  // In a group of its own, so that what it has started ends with it.
  const child = spawn(command, program.args ?? [], {
    env: environmentOf(program, cluster),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
  });
  return new Promise((resolve, reject) => {
    let output = '';
    let complaint = '';
    const kill = () => {
      try {
        if (child.pid !== undefined && process.platform !== 'win32') process.kill(-child.pid, 'SIGKILL');
        else child.kill('SIGKILL');
      } catch {
        // It has ended.
      }
    };
    const end = (error: Error | null) => {
      clearTimeout(timer);
      process.off('exit', kill);
      kill();
      child.stdout.destroy();
      child.stderr.destroy();
      if (error) reject(error);
      else resolve(output);
    };
    const timer = setTimeout(
      () => end(new Error(`the program ${command} did not answer within ${limitMs} ms`)),
      limitMs,
    );
    process.once('exit', kill);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.length > longestOutput) end(new Error(`the program ${command} printed too much`));
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = `${complaint}${text}`.slice(0, longestComplaint);
    });
    child.on('error', (cause) => end(new Error(`the program ${command} could not be started`, { cause })));
    child.on('close', (code, signal) => {
      const how = code === null ? `was ended by ${signal}` : `ended with code ${code}`;
      end(code === 0 ? null : new Error(`the program ${command} ${how}`, { cause: new Error(complaint.trim()) }));
    });
  });
}

function environmentOf({ apiVersion, env, provideClusterInfo }: LoginProgram, cluster: Cluster | null) {
  const info = {
    kind: 'ExecCredential',
    apiVersion,
    spec: {
      interactive: false,
      ...(provideClusterInfo && cluster
        ? { cluster: { server: cluster.server, 'certificate-authority-data': cluster.caData } }
        : {}),
    },
  };
  const own = Object.fromEntries((env ?? []).map(({ name, value }) => [name, value]));
  return { ...process.env, KUBERNETES_EXEC_INFO: JSON.stringify(info), ...own };
}
