/** Which place of the board a pointer is at, from the boxes on the screen. Pure functions. Lengths are in pixels. */

interface Span {
  from: number;
  to: number;
}

/** The span that contains the coordinate, or the nearest one; -1 without spans. */
export function nearestSpan(spans: readonly Span[], at: number): number {
  let nearest = -1;
  let least = Infinity;
  for (const [index, { from, to }] of spans.entries()) {
    const distance = Math.max(from - at, at - to, 0);
    if (distance < least) [nearest, least] = [index, distance];
  }
  return nearest;
}

/** How many cards stand above the coordinate: those whose middle is above it. */
export function indexAt(cards: readonly Span[], at: number): number {
  return cards.filter(({ from, to }) => (from + to) / 2 < at).length;
}

const edgePx = 44;
const fastestPx = 14;

/** How far to scroll in this frame: faster near the edge, 0 in the middle. Narrow spans have narrow edges. */
export function scrollStep({ from, to }: Span, at: number): number {
  const edge = Math.min(edgePx, (to - from) / 4);
  if (at < from + edge) return -Math.ceil(fastestPx * Math.min(1, (from + edge - at) / edge));
  if (at > to - edge) return Math.ceil(fastestPx * Math.min(1, (at - (to - edge)) / edge));
  return 0;
}
