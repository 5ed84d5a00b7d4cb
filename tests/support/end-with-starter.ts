/**
 * Loaded with `node --import` before a program of a test, so that the program ends with the test run. Standard input is a pipe
 * from the test run. The kernel closes it even when the run ends by kill -9.
 */

import type { Socket } from 'node:net';
import process from 'node:process';

process.stdin.on('end', () => process.exit(1)).on('error', () => process.exit(1));
process.stdin.resume();
// The pipe must not keep the program alive. Node represents a pipe as a socket.
(process.stdin as unknown as Socket).unref();
