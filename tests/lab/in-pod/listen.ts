/**
 * Runs inside a pod: accepts TCP connections and echoes UDP datagrams on each port in its first argument (a JSON list). It ends
 * when its standard input closes, or by SIGTERM.
 */

import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import process from 'node:process';

const ports = JSON.parse(process.argv[1] ?? '[]') as number[]; // written by network-probe.ts

process.once('SIGTERM', () => process.exit(0));
process.stdin.once('end', () => process.exit(0)).resume();
for (const port of ports) {
  createServer((socket) => socket.end()).listen(port);
  const udp = createSocket('udp4');
  udp.on('message', (message, { port: from, address }) => udp.send(message, from, address)).bind(port);
}
process.stdout.write('listening\n');
