/**
 * `npm run dev`: `npm start` and Vite's dev server in one command. A change in the server or the worker restarts `npm start`;
 * a change in the client is applied in the browser without a reload. Open http://localhost:5173. Ctrl-C ends both.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';

const root = resolve(import.meta.dirname, '../..');
const vite = join(dirname(createRequire(import.meta.url).resolve('vite/package.json')), 'bin/vite.js');
const clientPort = 5173;

const env = {
  ...process.env,
  // Sign-in returns to Vite's dev server, which passes everything but the client's files on to `npm start`.
  PUBLIC_URL: process.env['PUBLIC_URL'] ?? `http://localhost:${clientPort}`,
};

const programs = [
  // Node restarts the program when a file that it has imported changes. SIGTERM lets it stop its services first.
  run(['--watch', '--watch-preserve-output', 'src/embedded/main.ts']),
  run([vite, '--port', String(clientPort), '--strictPort', '--clearScreen', 'false']),
];
let isStopping = false;

for (const program of programs) program.once('exit', stop);
process.on('SIGINT', stop);
process.on('SIGTERM', stop);

function run(args: string[]): ChildProcess {
  return spawn(process.execPath, args, { cwd: root, env, stdio: 'inherit' });
}

/** Ends the other program too when one of them ends. */
function stop(): void {
  if (isStopping) return;
  isStopping = true;
  for (const program of programs) program.kill('SIGTERM');
}
