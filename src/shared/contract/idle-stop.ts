/** When a project that nobody uses is stopped. Pages load this file at once, so it must not import zod. */

/** The times that people may choose. */
export const idleStopTimes = ['30m', '1h', '4h', '8h', '1d', '7d'] as const;
type IdleStopTime = (typeof idleStopTimes)[number];

/** What an installation may set. */
export const installationIdleStops = ['never', ...idleStopTimes] as const;
export type InstallationIdleStop = (typeof installationIdleStops)[number];

/** What a project may set; `default` is what the installation has set. */
export const idleStops = ['default', ...installationIdleStops] as const;
export type IdleStop = (typeof idleStops)[number];

const minutesOf = { '30m': 30, '1h': 60, '4h': 240, '8h': 480, '1d': 1_440, '7d': 10_080 } satisfies Record<
  IdleStopTime,
  number
>;

/** For so long a project says that it will stop, before it does. */
export const idleCountdownMinutes = 10;

/** How long a project may be unused, in minutes; `null`: for ever. */
export function idleLimitMinutes(choice: IdleStop, installation: InstallationIdleStop): number | null {
  const effective = choice === 'default' ? installation : choice;
  return effective === 'never' ? null : minutesOf[effective];
}

/** "30 minutes", "1 hour" or "7 days". */
export function idleTimeText(minutes: number): string {
  const [unit, length] = minutes % 1_440 === 0 ? ['day', 1_440] : minutes % 60 === 0 ? ['hour', 60] : ['minute', 1];
  const count = minutes / length;
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

/** Why an unused project was stopped. */
export function idleStopMessage(minutes: number): string {
  return `Stopped because it was idle for ${idleTimeText(minutes)}.`;
}

/** "30 minutes", "Never". */
export function idleStopLabel(choice: InstallationIdleStop): string {
  return choice === 'never' ? 'Never' : idleTimeText(minutesOf[choice]);
}
