/** What the functions that answer requests need. */

import type { ServerResponse } from 'node:http';

import type { Clock } from '../../../shared/clock.ts';
import type { Crud } from './crud.ts';
import type { createDeletion } from './deletion.ts';
import type { JsonObject } from './kube-object.ts';
import type { createPodSubresources } from './pod-subresources.ts';
import type { Store } from './store.ts';

export interface RouterDeps {
  store: Store;
  crud: Crud;
  deletion: ReturnType<typeof createDeletion>;
  pods: ReturnType<typeof createPodSubresources>;
  /** Discovery and OpenAPI documents by their path. */
  documents: ReadonlyMap<string, JsonObject>;
  clock: Clock;
  bookmarkIntervalMs: number;
  /** Registers an open stream, so that a stopping server can end it. */
  trackStream: (response: ServerResponse, end: () => void) => void;
}
