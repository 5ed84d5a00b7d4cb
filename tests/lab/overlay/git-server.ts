/** Runs in the git server's container: serves one repository over HTTP with `git http-backend`. */

import { execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

const origin = '/workspace/example';
const git = (...args: string[]) => execFileSync('git', ['-C', origin, ...args]);
execFileSync('git', ['init', '--quiet', '--initial-branch=main', origin]);
writeFileSync(`${origin}/README.md`, 'Cloned inside the lab.\n');
git('add', '.');
git('-c', 'user.name=Lab', '-c', 'user.email=lab@example.com', 'commit', '--quiet', '-m', 'first');

createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://git');
  const backend = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: '/workspace',
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  request.pipe(backend.stdin);
  const chunks: Buffer[] = [];
  backend.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  backend.on('close', () => {
    // A CGI response: headers, an empty line, the body.
    const cgiResponse = Buffer.concat(chunks);
    const end = cgiResponse.indexOf('\r\n\r\n');
    const headers = cgiResponse
      .subarray(0, end)
      .toString()
      .split('\r\n')
      .map((line) => line.split(/: (.*)/).slice(0, 2) as [string, string]);
    const status = Number(headers.find(([name]) => name === 'Status')?.[1].slice(0, 3) ?? 200);
    response.writeHead(status, Object.fromEntries(headers.filter(([name]) => name !== 'Status')));
    response.end(cgiResponse.subarray(end + 4));
  });
}).listen(8080);
