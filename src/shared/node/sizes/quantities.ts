/** Variables that are amounts in the notation of Kubernetes. */

import { z } from 'zod';

import { bytesOf, coresOf } from '../../quantity.ts';

export const cpuQuantity = z.string({ error: 'must be set, such as "2" or "500m".' }).refine(
  (text) => {
    const cores = coresOf(text);
    return cores >= 0.001 && cores <= 10_000;
  },
  { error: 'must be a number of cores, such as 2 or 0.5, or of thousandths, such as 500m.' },
);

export const bytesQuantity = z
  .string({ error: 'must be set, such as "512Mi" or "2Gi".' })
  .refine((text) => !/^[\d.]+m$/.test(text), {
    error: 'must not end with "m", which Kubernetes reads as thousandths of a byte. Write Mi: 512Mi, not 512m.',
    abort: true,
  })
  .refine((text) => bytesOf(text) >= 1_048_576, {
    error: 'must be at least 1Mi, with the unit Ki, Mi, Gi, Ti, k, M, G or T, such as 512Mi or 1Gi.',
  });
