const signs = ['pointermove', 'pointerdown', 'keydown', 'touchstart'] as const;

/**
 * Resolves when somebody first touches the page in whatever way, and the browser has a moment. What no page needs to be
 * seen, but a person may need next, is loaded then: soon enough, and never in the way of the first sight.
 */
export function firstTouch(window: Window): Promise<void> {
  return new Promise((resolve) => {
    const touched = (): void => {
      for (const sign of signs) window.removeEventListener(sign, touched);
      if ('requestIdleCallback' in window) window.requestIdleCallback(() => resolve(), { timeout: 500 });
      else resolve();
    };
    for (const sign of signs) window.addEventListener(sign, touched, { passive: true });
  });
}
