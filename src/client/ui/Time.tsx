/** A relative time, such as "5 min. ago", with the exact time in its tooltip. */

import { formatDateTime, formatRelative } from './format.ts';
import { useNow } from './use-now.ts';

export function Time({ iso, className }: { iso: string; className?: string | undefined }) {
  const nowMs = useNow();
  return (
    <time dateTime={iso} title={formatDateTime(iso)} className={className}>
      {formatRelative(iso, nowMs)}
    </time>
  );
}
