/**
 * Loaded before a program that a test runs (`node --import`): the program ends with the test run, in whatever way that
 * ends. Standard input is a pipe whose other end the run holds, and the kernel closes it even after kill -9.
 */

import type { Socket } from 'node:net';
import process from 'node:process';

process.stdin.on('end', () => process.exit(1)).on('error', () => process.exit(1));
process.stdin.resume();
// Waiting for it alone must not keep the program alive. A pipe is a socket to Node.
(process.stdin as unknown as Socket).unref();
