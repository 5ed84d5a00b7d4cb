/** Sizes for tests, as an administrator writes them, and as the programs read them. */

import { z } from 'zod';

import { readEnvironment, sizesCheck } from '../../src/shared/node/environment.ts';
import { sizeVariables, toSizeRules } from '../../src/shared/node/sizes/size-rules.ts';

export const testSizesText = JSON.stringify([
  { name: 'S', label: 'Small', cpu: '1', memory: '2Gi', storage: '5Gi' },
  { name: 'M', label: 'Medium', cpu: '2', memory: '4Gi', storage: '10Gi', memoryRequest: '1Gi', default: true },
  { name: 'L', label: 'Large', cpu: '4', memory: '8Gi', storage: '20Gi', cpuRequest: '1', memoryRequest: '4Gi' },
]);

const schema = z.object(sizeVariables).check(sizesCheck);
export const { sizes: testSizes } = toSizeRules(readEnvironment(schema, { PROJECT_SIZES: testSizesText }));
