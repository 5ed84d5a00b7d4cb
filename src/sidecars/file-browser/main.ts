/** The container `file-browser`: lists, reads and changes the files of one project in WORKSPACE (/workspace). It listens on PORT (3001). */

import { createGate, readAccessToken } from '../access.ts';
import { serve } from '../serve.ts';
import { createFileBrowser } from './server.ts';
import { createWorkspace } from './workspace.ts';

const workspace = await createWorkspace(process.env['WORKSPACE'] ?? '/workspace', (error) =>
  process.stderr.write(`A deleted folder could not be removed: ${String(error)}\n`),
);
const isAllowed = createGate(readAccessToken(process.env));
serve(createFileBrowser({ workspace, isAllowed }), {
  name: 'The file browser',
  port: Number(process.env['PORT'] ?? 3001),
});
