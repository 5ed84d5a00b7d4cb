import { formatDateTime, formatRelative } from './format.ts';
import { useNow } from './use-now.ts';

/** A time beside the present, with the exact one a hover away. */
export function Time({ iso, className }: { iso: string; className?: string | undefined }) {
  const nowMs = useNow();
  return (
    <time dateTime={iso} title={formatDateTime(iso)} className={className}>
      {formatRelative(iso, nowMs)}
    </time>
  );
}
