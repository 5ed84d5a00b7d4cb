/** The sign-in page of the embedded issuer. */

import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Provider } from 'oidc-provider';

import { checkPassword, findDevelopmentUser } from './development-users.ts';
import { messagePage, pageHeaders, signInPage } from './issuer-pages.ts';

const maxBodyBytes = 16_384;

/** The path of the sign-in page. The id of the sign-in follows. */
export const signInPath = '/sign-in/';

/**
 * Answers `GET` and `POST` of the sign-in page. After a wrong password, the page is shown again with a message. A sign-in that
 * the issuer no longer knows (expired, finished in another tab, started before a restart) gets a page with the causes.
 */
export function createSignIn(deps: { provider: Provider; formTargets: readonly string[]; home: string | null }) {
  const { provider, formTargets, home } = deps;
  const headers = pageHeaders(formTargets);

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const show = (status: number, html: string) => response.writeHead(status, headers).end(html);
    const showExpired = () =>
      show(
        400,
        messagePage({
          title: 'This sign-in is over',
          messages: [
            'It took too long, was finished in another tab, or was started before the issuer was restarted.',
            'Nothing was changed. Go to the application and sign in once more.',
          ],
          home,
        }),
      );

    let hint: unknown;
    try {
      hint = (await provider.interactionDetails(request, response)).params['login_hint'];
    } catch {
      showExpired();
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
      show(401, signInPage({ login: name, error: 'The user name or the password is wrong. Try again.' }));
      return;
    }
    const result = { login: { accountId: user.subject, remember: true } };
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  };
}

/** The fields of an urlencoded form; null when it is larger than any form of ours. */
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
