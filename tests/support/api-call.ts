/** Calls the API with `fetch`, for requests that the typed client does not allow. */

export interface ApiAnswer {
  status: number;
  headers: Headers;
  /** The result of the procedure. */
  data: unknown;
  error: { message: string; data: Record<string, unknown> } | undefined;
  text: string;
}

export interface ApiRequest {
  method?: string;
  /** A string is sent unchanged, everything else as JSON. */
  body?: unknown;
  /** Sent in the query of a GET. */
  input?: unknown;
  headers?: Record<string, string>;
}

/** @param headers sent with each call, such as `authorization` or `cookie` */
export function createApiCall(url: string, headers: Record<string, string> = {}) {
  return async (path: string, request: ApiRequest = {}): Promise<ApiAnswer> => {
    const query = request.input === undefined ? '' : `?input=${encodeURIComponent(JSON.stringify(request.input))}`;
    const body = typeof request.body === 'string' ? request.body : JSON.stringify(request.body);
    const response = await fetch(`${url}/trpc/${path}${query}`, {
      method: request.method ?? (request.body === undefined ? 'GET' : 'POST'),
      headers: { 'content-type': 'application/json', ...headers, ...request.headers },
      ...(request.body === undefined ? {} : { body }),
    });
    const text = await response.text();
    const json = (text.startsWith('{') ? JSON.parse(text) : {}) as {
      result?: { data: unknown };
      error?: ApiAnswer['error'];
    };
    return { status: response.status, headers: response.headers, data: json.result?.data, error: json.error, text };
  };
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
