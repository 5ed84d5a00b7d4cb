/**
 * The part of a Kubernetes Event that the worker reads. Kubernetes has two ways to record times and counts (`count` and
 * `series`); both are parsed into one shape.
 */

import { z } from 'zod';

import { withCleanTexts } from '../../../shared/clean-texts.ts';
import { kubernetesCount } from './kubernetes-number.ts';
import { optionalTime } from './kubernetes-time.ts';

const eventSchema = z
  .object({
    metadata: z.object({
      name: z.string().default(''),
      resourceVersion: z.string().default(''),
      creationTimestamp: optionalTime,
    }),
    involvedObject: z.object({
      kind: z.string().default(''),
      name: z.string().default(''),
      uid: z.string().default(''),
      fieldPath: z.string().nullish(),
    }),
    /** Who recorded the event. Older events name it in `source`. */
    reportingComponent: z.string().nullish(),
    source: z.object({ component: z.string().nullish() }).nullish(),
    type: z.string().default('Normal'),
    reason: z.string().default(''),
    message: z.string().default(''),
    count: kubernetesCount.nullish().catch(null),
    firstTimestamp: optionalTime,
    lastTimestamp: optionalTime,
    eventTime: optionalTime,
    series: z.object({ count: kubernetesCount.nullish().catch(null), lastObservedTime: optionalTime }).nullish(),
  })
  .transform(({ metadata, involvedObject, reportingComponent, source, type, reason, message, ...times }) => ({
    metadata,
    /** The object that the event is about. `container` is set when it is about one container. */
    involvedObject: {
      kind: involvedObject.kind,
      name: involvedObject.name,
      uid: involvedObject.uid,
      container: /^spec\.(?:init)?[cC]ontainers\{(.+)\}$/.exec(involvedObject.fieldPath ?? '')?.[1] ?? null,
    },
    /** The program that recorded the event, for example `default-scheduler`; empty when unknown. */
    component: reportingComponent || (source?.component ?? ''),
    isWarning: type === 'Warning',
    reason,
    message,
    count: Math.max(1, times.series?.count ?? times.count ?? 1),
    /** When it was last recorded. */
    at:
      times.series?.lastObservedTime ??
      times.lastTimestamp ??
      times.eventTime ??
      times.firstTimestamp ??
      metadata.creationTimestamp ??
      null,
    /** When it was first recorded. */
    firstAt: times.firstTimestamp ?? times.eventTime ?? metadata.creationTimestamp ?? null,
  }));
export const kubernetesEventSchema = withCleanTexts(eventSchema);
export type KubernetesEvent = z.infer<typeof kubernetesEventSchema>;
