// Sets the colour scheme before the first paint, so that a dark page does not flash white. It is a separate file because
// the content security policy forbids inline scripts.
(function () {
  let chosen = null;
  try {
    chosen = window.localStorage.getItem('mantine-color-scheme-value');
  } catch {
    // The browser blocks storage. The colour scheme of the system is used.
  }
  const dark = chosen === 'dark' || (chosen !== 'light' && window.matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');
})();
