/** The page in place of OpenCode while a project is not ready. It says why, offers what helps, and continues by itself. */

import { gatewayPath } from '../shared/node/access/project-hosts.ts';
import { waitingStateOf, type NotReady } from './waiting-state.ts';

const buttonLabels = { start: 'Start', retry: 'Retry', restart: 'Restart' } as const;

const style = `
:root { color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.5 }
body { margin: 0; display: grid; min-height: 100vh; place-items: center }
main { max-width: 34rem; padding: 2rem }
h1 { font-size: 1.5rem; margin: 0 0 .5rem }
p { margin: .25rem 0 }
button { margin-top: 1rem; font: inherit; padding: .5rem 1.2rem; border: 0; border-radius: .4rem; background: #5b5bd6; color: #fff }
button:focus-visible, a:focus-visible { outline: 3px solid #a5a5f5; outline-offset: 2px }
nav { margin-top: 1.5rem }
`;

/** Without it the page still shows the state; a reload brings the newest. */
export const waitingScript = `
const show = (state) => {
  if (state.ready) return location.reload();
  for (const name of ['title', 'message', 'nextStep']) document.getElementById(name).textContent = state[name];
  const form = document.getElementById('action');
  form.hidden = state.action === null;
  document.getElementById('button').textContent = ${JSON.stringify(buttonLabels)}[state.action] ?? '';
};
const states = new EventSource('${gatewayPath}/state');
states.onmessage = ({ data }) => show(JSON.parse(data));
states.onerror = () => {
  if (states.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 3000);
};
document.getElementById('action').addEventListener('submit', (event) => {
  event.preventDefault();
  document.getElementById('action').hidden = true;
  fetch('${gatewayPath}/start', { method: 'POST', redirect: 'manual' }).then(async (answer) => {
    if (answer.type === 'opaqueredirect') return;
    document.getElementById('nextStep').textContent = await answer.text();
    document.getElementById('action').hidden = false;
  });
});
`;

/** @param projectUrl the page of the project in the product */
export function renderWaitingPage(notReady: NotReady, projectUrl: string): string {
  const { project } = notReady;
  const state = waitingStateOf(notReady);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(project.name)} · OpenCode Project Manager</title>
<style>${style}</style>
<script type="module" src="${gatewayPath}/waiting.js"></script>
</head>
<body><main>
<p>${escapeHtml(project.name)}</p>
<div aria-live="polite">
<h1 id="title">${escapeHtml(state.title)}</h1>
<p id="message">${escapeHtml(state.message)}</p>
<p id="nextStep">${escapeHtml(state.nextStep)}</p>
</div>
<form id="action" method="post" action="${gatewayPath}/start"${state.action === null ? ' hidden' : ''}>
<button id="button">${state.action === null ? '' : buttonLabels[state.action]}</button>
</form>
<nav><a href="${escapeHtml(projectUrl)}">Show the project</a></nav>
</main></body>
</html>
`;
}

/**
 * A page that only says something, such as why a link does not work.
 * @param options.reloadsItself every two seconds, for what passes
 */
export function renderMessagePage(
  title: string,
  message: string,
  { link, reloadsItself = false }: { link: { href: string; label: string }; reloadsItself?: boolean },
): string {
  const reload = reloadsItself ? '<meta http-equiv="refresh" content="2">\n' : '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${reload}<title>${escapeHtml(title)} · OpenCode Project Manager</title>
<style>${style}</style>
</head>
<body><main>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(message)}</p>
<nav><a href="${escapeHtml(link.href)}">${escapeHtml(link.label)}</a></nav>
</main></body>
</html>
`;
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
