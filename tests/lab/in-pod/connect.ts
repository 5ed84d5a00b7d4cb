/**
 * Runs inside a pod: tries to connect to each destination in its first argument, and prints the names of those that answer as
 * JSON. A destination answers when a TCP connection opens, or when a UDP datagram comes back.
 */

import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import process from 'node:process';

interface Destination {
  name: string;
  protocol: 'tcp' | 'udp';
  host: string;
  port: number;
}

const timeoutMs = 1_500;
const destinations = JSON.parse(process.argv[1] ?? '[]') as Destination[]; // written by network-probe.ts

const opensTcp = ({ host, port }: Destination) =>
  new Promise<boolean>((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    const finish = (isOpen: boolean) => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', () => finish(true));
    socket.once('error', () => finish(false));
    socket.once('timeout', () => finish(false));
  });

const echoesUdp = ({ host, port }: Destination) =>
  new Promise<boolean>((resolve) => {
    const socket = createSocket('udp4');
    const finish = (isOpen: boolean) => {
      clearTimeout(timer);
      socket.close();
      resolve(isOpen);
    };
    const timer = setTimeout(() => finish(false), timeoutMs);
    socket.once('message', () => finish(true));
    socket.once('error', () => finish(false));
    socket.connect(port, host, () => socket.send('ping'));
  });

const results = await Promise.all(
  destinations.map((destination) => (destination.protocol === 'tcp' ? opensTcp(destination) : echoesUdp(destination))),
);
process.stdout.write(JSON.stringify(destinations.filter((_, index) => results[index]).map(({ name }) => name)));
