/** Lets at most `count` deeds run at once, first come, first served. */
export function createTurns(count: number): <T>(deed: () => Promise<T>) => Promise<T> {
  let free = count;
  const waiting: (() => void)[] = [];
  return async (deed) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await deed();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}
