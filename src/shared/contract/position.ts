/**
 * Positions of tasks in a column: texts of the digits 0-9, A-Z, a-z that are compared by code units. Between two different
 * positions there is always another one, so a move changes only the moved task.
 */

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const base = BigInt(digits.length);
/** Positions have at least so many digits. */
const length = 8;
/** The distance of a position at the end to its neighbour, so that there is room between them. */
const step = base ** 4n;

/** Whether a text is a position. Positions never end with 0: nothing would lie between "a" and "a0". */
export function isPosition(text: string): boolean {
  return new RegExp(`^[0-9A-Za-z]{${length - 1},}[1-9A-Za-z]$`).test(text);
}

/**
 * A position between two others.
 * @param before the position below; `null`: the beginning of the column
 * @param after the position above, which is greater than `before`; `null`: the end of the column
 */
export function positionBetween(before: string | null, after: string | null): string {
  for (let size = Math.max(length, before?.length ?? 0, after?.length ?? 0); ; size += 1) {
    const low = before === null ? 0n : valueOf(before, size);
    const high = after === null ? base ** BigInt(size) : valueOf(after, size);
    const middle = between(
      low,
      high,
      { isFirst: before === null, isLast: after === null },
      step * base ** BigInt(size - length),
    );
    if (middle > low && middle < high) return textOf(middle, size);
  }
}

/** A number between two others whose last digit is not 0, if there is one. */
function between(
  low: bigint,
  high: bigint,
  { isFirst, isLast }: { isFirst: boolean; isLast: boolean },
  distance: bigint,
): bigint {
  const half = (low + high) / 2n;
  let middle = half;
  if (isLast && !isFirst && low + distance < half) middle = low + distance;
  if (isFirst && !isLast && high - distance > half) middle = high - distance;
  return middle % base === 0n ? middle + 1n : middle;
}

function valueOf(position: string, size: number): bigint {
  let value = 0n;
  for (const digit of position.padEnd(size, '0')) value = value * base + BigInt(Math.max(0, digits.indexOf(digit)));
  return value;
}

function textOf(value: bigint, size: number): string {
  let text = '';
  for (let rest = value; text.length < size; rest /= base) text = (digits[Number(rest % base)] ?? '0') + text;
  return text;
}
