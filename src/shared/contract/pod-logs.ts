/** The logs of a project's containers: the queue on which the server asks the worker for them, and what the API returns. */

import { z } from 'zod';

import { projectIdSchema } from './fields.ts';

export const podLogQueueName = 'pod-logs';

/** How long the server waits for the worker's answer. */
export const podLogTimeLimitMs = 5_000;

/** The containers whose logs people can read. The last two are init containers, and a pod has one of them. */
export const logContainers = [
  'opencode-server',
  'file-browser',
  'session-proxy',
  'clone-repository',
  'prepare-workspace',
] as const;
export const logContainerSchema = z.enum(logContainers);
export type LogContainer = z.infer<typeof logContainerSchema>;

export const maxTailLines = 2_000;
const defaultTailLines = 500;

export const logLineSchema = z.object({
  /** When the container wrote the line, in RFC 3339 with any number of fractional digits. */
  at: z.string(),
  text: z.string(),
});
export type LogLine = z.infer<typeof logLineSchema>;

/** Each server has a list in Redis for its answers. Its name ends with the id of the server. */
export const podLogRepliesPrefix = 'pod-log-replies:';

export const podLogJobSchema = z.object({
  /** A pod of a project: no job can ask for the log of another pod of the namespace. */
  podName: z.string().regex(/^project-[0-9a-f-]{36}-[a-z0-9]{5}$/),
  container: logContainerSchema,
  /** The run before the last restart. */
  previous: z.boolean(),
  tailLines: z.int().min(1).max(maxTailLines),
  /** Only lines from this time on, in RFC 3339. Kubernetes rounds it down to seconds. */
  sinceTime: z.string().optional(),
  replyTo: z.string().startsWith(podLogRepliesPrefix),
});
export type PodLogJob = z.infer<typeof podLogJobSchema>;
export type PodLogRequest = Omit<PodLogJob, 'replyTo'>;

export const podLogResultSchema = z.discriminatedUnion('kind', [
  /** `truncated`: there are further lines, which the limits left out. */
  z.object({ kind: z.literal('log'), lines: z.array(logLineSchema), truncated: z.boolean() }),
  z.object({ kind: z.literal('unavailable'), message: z.string() }),
]);
export type PodLogResult = z.infer<typeof podLogResultSchema>;

export const podLogReplySchema = z.object({ jobId: z.string(), result: podLogResultSchema });
export type PodLogReply = z.infer<typeof podLogReplySchema>;

export const readLogsInputSchema = z.strictObject({
  id: projectIdSchema,
  container: logContainerSchema,
  /** The run before the last restart of the container. */
  previous: z.boolean().default(false),
  /** At most so many of the newest lines. */
  tailLines: z
    .int()
    .min(1, 'Ask for 1 to 2,000 lines.')
    .max(maxTailLines, 'Ask for 1 to 2,000 lines.')
    .default(defaultTailLines),
});
export type ReadLogsInput = z.infer<typeof readLogsInputSchema>;

export const projectLogsSchema = z.object({
  /** The oldest line first. */
  lines: z.array(logLineSchema),
  /** There are earlier lines. */
  truncated: z.boolean(),
  /** Why there is no log, for people; `null` when there is one. */
  message: z.string().nullable(),
});
export type ProjectLogs = z.infer<typeof projectLogsSchema>;

export const followLogsInputSchema = z.strictObject({ id: projectIdSchema, container: logContainerSchema });

export type LogEvent =
  /** The newest lines. They replace what the client has. */
  | { type: 'snapshot'; lines: LogLine[]; truncated: boolean }
  /** Lines after those that were sent. `truncated`: lines in between were left out. */
  | { type: 'lines'; lines: LogLine[]; truncated: boolean }
  /** Why no lines arrive now, for people. The subscription continues. */
  | { type: 'waiting'; message: string };
