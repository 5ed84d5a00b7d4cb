/** The container `file-browser`: lists and reads the files of one project in WORKSPACE (/workspace). It listens on PORT (3001). */

import { createGate, readAccessToken } from '../access.ts';
import { serve } from '../serve.ts';
import { createFileBrowser } from './server.ts';
import { createWorkspace } from './workspace.ts';

const workspace = await createWorkspace(process.env['WORKSPACE'] ?? '/workspace');
const isAllowed = createGate(readAccessToken(process.env));
serve(createFileBrowser({ workspace, isAllowed }), {
  name: 'The file browser',
  port: Number(process.env['PORT'] ?? 3001),
});
