/** Runs in the model's container: the model of the tests, as a provider that takes the key of the installation alone. */

import process from 'node:process';

import type { startFakeModel as StartFakeModel } from '../../support/fake-model.ts';

// A dynamic import, because the path in the image differs from the path in the repository.
const program = '/app/fake-model.ts';
const { startFakeModel } = (await import(program)) as { startFakeModel: typeof StartFakeModel };
const [, key = ''] = (process.env['MODEL_KEYS'] ?? '').split('=');
await startFakeModel({ host: '0.0.0.0', port: 8080, key });
