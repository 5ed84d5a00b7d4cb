/** What the embedded kubelet does with pods and claims: on the embedded API and, with KUBEBUILDER_ASSETS, on a real one. */

import { afterAll, afterEach, beforeAll, describe } from 'vitest';

import { openKubeletHarness, type KubeletHarness } from './kubelet-harness.ts';
import { describeKubeletFailures } from './suites/kubelet-failures.ts';
import { describeKubeletLife } from './suites/kubelet-life.ts';
import { targets } from './targets.ts';

describe.each(targets)('the kubelet on $name', (target) => {
  let open: KubeletHarness | undefined;
  const harness = (): KubeletHarness => {
    if (open === undefined) throw new Error('The API is not started yet.');
    return open;
  };
  beforeAll(async () => {
    open = await openKubeletHarness(target);
  });
  afterEach(async () => {
    await open?.stopKubelets();
  });
  afterAll(async () => {
    await open?.api.close();
  });

  describeKubeletLife(harness);
  describeKubeletFailures(harness);
});
