/** The pages that the server itself renders: when sign-in fails, and when the client is not built. They have no script. */

const style = `
  :root { color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.5 }
  body { margin: 0; display: grid; min-height: 100vh; place-items: center }
  main { max-width: 34rem; padding: 2rem }
  h1 { font-size: 1.5rem }
  a.button { display: inline-block; padding: .6rem 1.2rem; border-radius: .4rem; background: #5b5bd6; color: #fff;
    text-decoration: none }
  a.button:focus-visible { outline: 3px solid #a5a5f5; outline-offset: 2px }
`;

interface Page {
  title: string;
  messages: string[];
  action?: { href: string; label: string };
}

export function renderPage({ title, messages, action }: Page): string {
  const paragraphs = messages.map((message) => `<p>${escapeHtml(message)}</p>`).join('\n');
  const link = action
    ? `<p><a class="button" href="${escapeHtml(action.href)}">${escapeHtml(action.label)}</a></p>`
    : '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} · OpenCode Project Manager</title>
<style>${style}</style>
</head>
<body><main>
<h1>${escapeHtml(title)}</h1>
${paragraphs}
${link}
</main></body>
</html>
`;
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
