/** Runs the real PgBouncer in transaction mode before a database, if it is on the path. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { findOnPath } from '../../src/embedded/process/find-on-path.ts';
import { findKeptPort } from './kept-port.ts';

const program = findOnPath('pgbouncer', process.env['PATH'] ?? '');
export const hasPgBouncer = program !== null;

/** @param settings further lines of its configuration */
export async function startPgBouncer(databaseUrl: string, settings: string[] = []) {
  if (program === null) throw new Error('There is no pgbouncer on the path. Install the package pgbouncer.');
  const { hostname, port, username, password, pathname } = new URL(databaseUrl);
  const folder = await mkdtemp(join(tmpdir(), 'opencode-pgbouncer-'));
  const ownPort = await findKeptPort();
  const target = `host=${hostname} port=${port} user=${username} password='${password}'`;
  const lines = [
    '[databases]',
    `${pathname.slice(1)} = ${target}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${ownPort}`,
    'unix_socket_dir =',
    'auth_type = any',
    'pool_mode = transaction',
    ...settings,
  ];
  const file = join(folder, 'pgbouncer.ini');
  await writeFile(file, `${lines.join('\n')}\n`);
  await chmod(folder, 0o755); // it refuses to run as root, and must read its configuration
  const user = process.getuid?.() === 0 ? ['--user', 'nobody'] : [];
  const child = spawn(program, [...user, file], { stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  await new Promise<void>((started, failed) => {
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('process up')) started();
    });
    child.once('error', failed);
    child.once('exit', (code) => failed(new Error(`pgbouncer ended with ${code}: ${output}`)));
  });
  return {
    url: Object.assign(new URL(databaseUrl), { hostname: '127.0.0.1', port: String(ownPort) }).href,
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
