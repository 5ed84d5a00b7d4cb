/**
 * Gives the OpenCode of a project a prompt, with OpenCode's own SDK, and prints the answer. Everything goes through the origin of
 * the project, where a personal access token of its owner is enough.
 *
 *   URL=http://localhost:3080 TOKEN=… node examples/opencode-sdk.ts <project id> "What is in this repository?"
 */

import { lookup } from 'node:dns';

import { createOpencodeClient } from '@opencode-ai/sdk/v2/client';
import { createClient } from 'opencode-project-manager/sdk';
import { Agent, setGlobalDispatcher } from 'undici';

// Browsers resolve every name below localhost to this machine. Node asks the system, which may not.
setGlobalDispatcher(
  new Agent({
    connect: {
      lookup: (host, options, done) => lookup(host.endsWith('.localhost') ? 'localhost' : host, options, done),
    },
  }),
);

const { URL: url = 'http://localhost:3080', TOKEN: token = '' } = process.env;
const [projectId = '', text = 'What is in this repository?'] = process.argv.slice(2);

const client = createClient({ url, token });
const project = await client.waitFor(projectId, ({ status }) => status === 'ready', { timeoutMs: 120_000 });
const { origin } = new URL(await client.projects.open(project));
await client.close();

const openCode = createOpencodeClient({ baseUrl: origin, headers: { authorization: `Bearer ${token}` } });
const directory = '/workspace/project';
const session = await openCode.session.create({ directory, title: 'From the example' }, { throwOnError: true });
const answer = await openCode.session.prompt(
  { sessionID: session.data.id, directory, parts: [{ type: 'text', text }] },
  { throwOnError: true },
);
for (const part of answer.data.parts) if (part.type === 'text') console.log(part.text);
