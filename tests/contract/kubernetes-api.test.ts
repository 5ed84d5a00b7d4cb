/**
 * How a Kubernetes API behaves, as far as the worker and the kubelet rely on it. The same tests run on the embedded API and,
 * with KUBEBUILDER_ASSETS, on a real kube-apiserver (1.33 to 1.37). When they differ, the embedded API is wrong.
 */

import { afterAll, beforeAll, describe } from 'vitest';

import { openApi, type ContractApi } from './contract-api.ts';
import { describeAccess } from './suites/access.ts';
import { describeDeletion } from './suites/deletion.ts';
import { describeLists } from './suites/lists.ts';
import { describeObjects } from './suites/objects.ts';
import { describePodSubresources } from './suites/pod-subresources.ts';
import { describeUpdates } from './suites/updates.ts';
import { describeValidation } from './suites/validation.ts';
import { describeWatches } from './suites/watches.ts';
import { targets } from './targets.ts';

describe.each(targets)('$name', (target) => {
  let running: ContractApi | undefined;
  const api = (): ContractApi => {
    if (running === undefined) throw new Error('The API is not started yet.');
    return running;
  };
  beforeAll(async () => {
    running = await openApi(target);
  });
  afterAll(async () => {
    await running?.close();
  });

  describeAccess(api);
  describeObjects(api);
  describeValidation(api);
  describeUpdates(api);
  describeDeletion(api);
  describeLists(api);
  describeWatches(api);
  describePodSubresources(api);
});
