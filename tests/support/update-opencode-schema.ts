/**
 * Writes `src/shared/contract/opencode-schema.json` from the OpenCode that `npm ci` has installed. Run it after each update of
 * OpenCode, and `npx oxfmt` afterwards. A test compares the file with the program.
 */

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { readOpenCodeSchema } from './opencode-schema.ts';
import { startOpenCode } from './opencode.ts';

const password = 'a-password-of-this-script';
const openCode = await startOpenCode(password);
const authorization = `Basic ${Buffer.from(`opencode:${password}`).toString('base64')}`;
const schema = await readOpenCodeSchema(`http://127.0.0.1:${openCode.port}`, authorization);
const file = fileURLToPath(new URL('../../src/shared/contract/opencode-schema.json', import.meta.url));
writeFileSync(file, `${JSON.stringify(schema, null, 2)}\n`);
await openCode.stop();
