import { type CustomFetchOptions } from 'openid-client';

const LARGEST = 1024 * 1024;

/** As `fetch`, but an answer that goes on and on is given up: whoever sends it should not decide how much memory it takes. */
export async function boundedFetch(url: string, init: Partial<CustomFetchOptions>): Promise<Response> {
  const response = await fetch(url, init as RequestInit);
  if (response.body === null) return response;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    // As `fetch` itself says that it has failed.
    if (size > LARGEST) throw new TypeError('fetch failed', { cause: new Error(`more than ${LARGEST} bytes`) });
    chunks.push(chunk);
  }
  return new Response(Buffer.concat(chunks), response);
}
