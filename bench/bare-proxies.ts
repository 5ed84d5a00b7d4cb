/**
 * What P9b compares the gateway with, in a process of its own like the gateway: a program that passes each request on with nothing but
 * Node's HTTP, or each connection with nothing but sockets. The arguments are `http` or `tcp`, and the address of the pod.
 */

import { Agent, createServer, request } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import process from 'node:process';

import '../tests/support/end-with-starter.ts';
import { keepAliveTimeoutMs } from './downloads.ts';

const [kind, host = ''] = process.argv.slice(2);
const pod = { host, port: 3002 };
const agent = new Agent({ keepAlive: true });

const server: Server =
  kind === 'http'
    ? createServer({ keepAliveTimeout: keepAliveTimeoutMs }, (incoming, response) => {
        const { url: path, method, headers } = incoming;
        const passed = request({ ...pod, path, method, headers, agent }, (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        });
        incoming.pipe(passed);
      })
    : createTcpServer((socket) => {
        const passed = connect(pod);
        socket.pipe(passed).pipe(socket);
        socket.once('error', () => passed.destroy());
        passed.once('error', () => socket.destroy());
      });
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
