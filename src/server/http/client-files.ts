/** The user interface: the built files, `index.html` for every other page, and a message while it is not built. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';

import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

import { AppError } from '../../shared/contract/errors.ts';
import { shapeOf } from '../error-shape.ts';
import { renderPage } from './page.ts';

/** Paths that are never pages of the user interface. */
const machinePaths = /^\/(trpc|auth|livez|readyz|metrics|assets)(\/|\?|$)/;

export async function registerClientFiles(app: FastifyInstance, clientDir: string): Promise<void> {
  const isBuilt = existsSync(join(clientDir, 'index.html'));
  if (isBuilt) {
    await app.register(fastifyStatic, {
      root: clientDir,
      wildcard: false,
      index: false,
      cacheControl: false,
      setHeaders: (reply, path) => {
        // The names of Vite's files in assets/ contain a hash of their content. Other files keep their name when they change.
        const isImmutable = path.startsWith(join(clientDir, 'assets'));
        reply.header('cache-control', isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache');
      },
    });
  }

  app.setNotFoundHandler(async (request, reply) => {
    const isPage =
      (request.method === 'GET' || request.method === 'HEAD') &&
      (request.headers.accept?.includes('text/html') ?? false) &&
      !machinePaths.test(request.url);
    if (!isPage) {
      const error = new AppError('NOT_FOUND', 'There is nothing here. The API is at /trpc, the application at /.');
      return reply.code(404).send({ error: shapeOf(error) });
    }
    if (isBuilt) return reply.header('cache-control', 'no-cache').sendFile('index.html', { cacheControl: false });
    return reply
      .code(503)
      .type('text/html; charset=utf-8')
      .send(
        renderPage({
          title: 'The user interface is not built',
          messages: ['The API runs, but there are no files to show. Run "npm run build", then start the server again.'],
        }),
      );
  });
}
