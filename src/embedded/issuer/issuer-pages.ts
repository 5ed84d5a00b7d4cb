/** The HTML pages of the embedded issuer. */

import { createHash } from 'node:crypto';

import { developmentUsers } from './development-users.ts';

const style = `
:root { color-scheme: light dark; --page: #fafafa; --card: #ffffff; --text: #1b1f24; --soft: #59636e; --line: #d1d9e0;
  --accent: #5b5bd6; --on-accent: #ffffff; --bad: #b42318; --bad-back: #fef3f2; }
@media (prefers-color-scheme: dark) {
  :root { --page: #0b0b0d; --card: #131315; --text: #e9ecef; --soft: #a6adb5; --line: #34343a;
    --accent: #5b5bd6; --on-accent: #ffffff; --bad: #ffa8a0; --bad-back: #3a1d1b; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--page);
  color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 26rem; padding: 2rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 12px; box-shadow: 0 8px 24px rgb(0 0 0 / 8%); }
@media (max-width: 30rem) { main { padding: 1.25rem; } }
.product { margin: 0; color: var(--soft); font-size: .875rem; }
h1 { margin: .125rem 0 1rem; font-size: 1.5rem; line-height: 1.25; }
p { margin: 0 0 1rem; }
label { display: block; margin-bottom: .25rem; font-weight: 600; font-size: .9375rem; }
input { width: 100%; margin-bottom: 1rem; padding: .625rem .75rem; border: 1px solid var(--line); border-radius: 8px;
  background: var(--page); color: inherit; font: inherit; }
button, .button { display: block; width: 100%; padding: .625rem .75rem; border: 1px solid var(--line);
  border-radius: 8px; background: transparent; color: inherit; font: inherit; font-weight: 600; text-align: center;
  text-decoration: none; cursor: pointer; }
button.main, .button.main { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
button:hover, .button:hover { filter: brightness(1.08); border-color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.error { padding: .625rem .75rem; border: 1px solid var(--bad); border-radius: 8px; background: var(--bad-back);
  color: var(--bad); }
.users { margin-top: 1.5rem; padding-top: 1.25rem; border-top: 1px solid var(--line); }
.users p, .soft { color: var(--soft); font-size: .9375rem; }
.row { display: grid; grid-template-columns: repeat(3, 1fr); gap: .5rem; }
.row button { padding-inline: .25rem; }
.cancel { margin-top: .75rem; }
.cancel button { border-color: transparent; color: var(--soft); }
`;

const styleHash = createHash('sha256').update(style).digest('base64');

/**
 * The headers of every page: no script runs, and nothing is loaded from other origins.
 *
 * @param formTargets the origins to which the answer to a form may redirect, because browsers apply `form-action` to
 *   redirects too
 */
export function pageHeaders(formTargets: readonly string[]): Record<string, string> {
  return {
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    'Content-Security-Policy': [
      "default-src 'none'",
      `style-src 'sha256-${styleHash}'`,
      `form-action 'self' ${formTargets.join(' ')}`.trim(),
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ].join('; '),
    'Referrer-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
  };
}

/** The sign-in form. It is posted to its own address with the fields `login` and `password`, or `as`, or `cancel`. */
export function signInPage({ login, error }: { login: string; error: string | null }): string {
  const users = developmentUsers.map(
    (user) => `<button name="as" value="${escapeHtml(user.subject)}">${escapeHtml(user.subject)}</button>`,
  );
  const typed = login !== '';
  return page(
    'Sign in',
    `${error === null ? '' : `<p class="error" role="alert" id="error">${escapeHtml(error)}</p>`}
    <form method="post">
      <label for="login">User name</label>
      <input id="login" name="login" value="${escapeHtml(login)}" autocomplete="username" autocapitalize="none"
        spellcheck="false" required${typed ? '' : ' autofocus'}>
      <label for="password">Password</label>
      <input id="password" name="password" type="password" autocomplete="current-password" required${
        typed ? ' autofocus' : ''
      }${error === null ? '' : ' aria-invalid="true" aria-describedby="error"'}>
      <button class="main">Sign in</button>
    </form>
    <form method="post" class="users">
      <p>This is the embedded issuer, for development. The password of each user is the user name. Sign in as:</p>
      <div class="row">${users.join('')}</div>
    </form>
    <form method="post" class="cancel"><button name="cancel" value="yes">Cancel</button></form>`,
  );
}

/** A page with a message. `home` is the address of the application; null when it is not known. */
export function messagePage(options: { title: string; messages: readonly string[]; home: string | null }): string {
  const { title, messages, home } = options;
  const link = home === null ? '' : `<a class="button main" href="${escapeHtml(home)}">Go to the application</a>`;
  return page(title, `${messages.map((message) => `<p>${escapeHtml(message)}</p>`).join('')}${link}`);
}

/** The question whether to sign out. `form` is the form of oidc-provider, with the id `op.logoutForm`. */
export function signOutPage(form: string): string {
  return page(
    'Sign out',
    `${form}<p>Sign out of the embedded issuer and of every application that you opened with it?</p>
    <button class="main" form="op.logoutForm" name="logout" value="yes" autofocus>Sign out</button>`,
  );
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${escapeHtml(title)} · OpenCode Project Manager</title>
    <style>${style}</style>
  </head>
  <body>
    <main>
      <p class="product">OpenCode Project Manager</p>
      <h1>${escapeHtml(title)}</h1>
      ${body}
    </main>
  </body>
</html>
`;
}

function escapeHtml(text: string): string {
  const names: Record<string, string> = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": '#39' };
  return text.replaceAll(/[&<>"']/g, (character) => `&${names[character]};`);
}
