/** Numbers of Kubernetes. Anything that is not finite or not whole becomes a whole number that PostgreSQL and dates can hold. */

import { z } from 'zod';

const largest = 2 ** 31 - 1;
/** The product of two such times, in milliseconds, is still a valid distance between two dates. */
const longestSeconds = 1_000_000;

const between = (least: number, most: number) =>
  z.number().transform((value) => Math.min(Math.max(Math.trunc(value), least), most));

/** For example an exit code. */
export const wholeNumber = between(-largest, largest);
/** For example how often something happened. */
export const kubernetesCount = between(0, largest);
/** For example a grace period or a threshold; not negative. */
export const kubernetesSeconds = between(0, longestSeconds);
