import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Provider } from 'oidc-provider';

import { checkPassword, findDevelopmentUser } from './development-users.ts';
import { messagePage, pageHeaders, signInPage } from './issuer-pages.ts';

const maxBodyBytes = 16_384;

/** Where oidc-provider sends a person who has to sign in; the id of that sign-in follows. */
export const signInPath = '/sign-in/';

/**
 * Answers `GET` and `POST` of the sign-in page. A wrong password stays on the page and says so; a sign-in that the issuer
 * no longer knows (expired, finished in another tab, begun before a restart) is explained in words.
 */
export function createSignIn(deps: { provider: Provider; formTargets: readonly string[]; home: string | null }) {
  const { provider, formTargets, home } = deps;
  const headers = pageHeaders(formTargets);

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const show = (status: number, html: string) => response.writeHead(status, headers).end(html);
    const showOver = () =>
      show(
        400,
        messagePage({
          title: 'This sign-in is over',
          messages: [
            'It took too long, was finished in another tab, or was begun before the issuer was started again.',
            'Nothing was changed. Go to the application and sign in once more.',
          ],
          home,
        }),
      );

    let hint: unknown;
    try {
      hint = (await provider.interactionDetails(request, response)).params['login_hint'];
    } catch {
      showOver();
      return;
    }
    const login = typeof hint === 'string' ? hint : '';
    if (request.method !== 'POST') {
      show(200, signInPage({ login, error: null }));
      return;
    }

    const form = await readForm(request);
    if (form === null) {
      show(413, signInPage({ login, error: 'The form was too large to be read. Fill it in again.' }));
      return;
    }
    if (form.has('cancel')) {
      const result = { error: 'access_denied', error_description: 'The sign-in was cancelled.' };
      await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
      return;
    }
    const name = (form.get('login') ?? '').trim();
    const user = form.has('as')
      ? findDevelopmentUser(form.get('as') ?? '')
      : checkPassword({ name, password: form.get('password') ?? '' });
    if (user === null) {
      show(401, signInPage({ login: name, error: 'That user name and password do not belong together. Try again.' }));
      return;
    }
    const result = { login: { accountId: user.subject, remember: true } };
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  };
}

/** The fields of an urlencoded form, or null when it is larger than any that we made. */
async function readForm(request: IncomingMessage): Promise<URLSearchParams | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBodyBytes) return null;
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}
