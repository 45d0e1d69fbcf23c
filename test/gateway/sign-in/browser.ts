import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { request as requestSecurely } from 'node:https';
import { text } from 'node:stream/consumers';

export interface Page {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly setCookies: readonly string[];
  /** Where it leads; the page itself when nowhere. */
  readonly location: string;
  readonly body: string;
}

interface Visit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const MOST_STEPS = 20;

/** As much of a browser as a sign-in needs: cookies by origin, forms, and redirects that are followed one at a time. */
export class Browser {
  private readonly jars = new Map<string, Map<string, string>>();

  /** `always`: the fields of every request. */
  constructor(private readonly always: Readonly<Record<string, string>> = {}) {}

  cookie(url: string, name: string): string | undefined {
    return this.jar(url).get(name);
  }

  keep(url: string, name: string, value: string): void {
    this.jar(url).set(name, value);
  }

  forget(url: string): void {
    this.jars.delete(new URL(url).origin);
  }

  async visit(url: string, { method = 'GET', headers = {}, body }: Visit = {}): Promise<Page> {
    const cookies = [...this.jar(url)].map(([name, value]) => `${name}=${value}`).join('; ');
    const fields = { ...this.always, ...(cookies !== '' && { cookie: cookies }), ...headers };
    const options = { method, headers: fields, agent: false };
    const req = url.startsWith('https:')
      ? requestSecurely(url, { ...options, rejectUnauthorized: false })
      : request(url, options);
    req.end(body);
    const [response] = (await once(req, 'response')) as [IncomingMessage];
    const setCookies = response.headers['set-cookie'] ?? [];
    for (const line of setCookies) this.take(url, line);
    const location = new URL(response.headers.location ?? '', url).href;
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      setCookies,
      location,
      body: await text(response),
    };
  }

  /**
   * From the page where somebody signs in through its forms, until the issuer sends them away: to there. `refuses`: they
   * press the button that cancels.
   */
  async through(start: string, login: string, refuses = false): Promise<string> {
    const { origin } = new URL(start);
    let url = start;
    for (let step = 0; step < MOST_STEPS && new URL(url).origin === origin; step++) {
      const page = await this.visit(url);
      url = page.status === 200 ? await this.submit(url, page, login, refuses) : page.location;
    }
    return url;
  }

  private async submit(url: string, { body }: Page, login: string, refuses: boolean): Promise<string> {
    const cancel = /href="([^"]+\/abort)"/.exec(body)?.[1];
    if (refuses && cancel !== undefined) return (await this.visit(new URL(cancel, url).href)).location;
    const action = /action="([^"]+)"/.exec(body)?.[1];
    const prompt = /name="prompt" value="(\w+)"/.exec(body)?.[1];
    if (action === undefined || prompt === undefined) throw new Error(`no form at ${url}: ${body.slice(0, 500)}`);
    const form = new URLSearchParams({ prompt, login, password: 'any' }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return (await this.visit(new URL(action, url).href, { method: 'POST', headers, body: form })).location;
  }

  private take(url: string, line: string): void {
    const [pair = '', ...attributes] = line.split('; ');
    const name = pair.slice(0, pair.indexOf('='));
    const ended = attributes.some((each) => each === 'Max-Age=0' || /^expires=Thu, 01 Jan 1970/i.test(each));
    if (ended) this.jar(url).delete(name);
    else this.jar(url).set(name, pair.slice(name.length + 1));
  }

  private jar(url: string): Map<string, string> {
    const { origin } = new URL(url);
    const jar = this.jars.get(origin) ?? new Map<string, string>();
    this.jars.set(origin, jar);
    return jar;
  }
}
