import { CliError, EXIT } from './exit.js';

export interface RouteRequest {
  readonly method: string;
  /** Absolute, or a path for any host. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** `GET http://host/path`, or the URL or path alone, for GET. */
export function readRequest(match: string, headers: readonly string[]): RouteRequest {
  const [, method = 'GET', url] = /^(?:([A-Za-z][\w-]*)\s+)?((?:https?:\/\/|\/)\S*)$/i.exec(match.trim()) ?? [];
  if (url === undefined) {
    throw new CliError(
      EXIT.usage,
      `--match takes a method and a URL, as in "GET http://localhost:8080/demo/hello"; not ${JSON.stringify(match)}`,
    );
  }
  return { method: method.toUpperCase(), url, headers: Object.fromEntries(headers.map(readHeader)) };
}

function readHeader(text: string): [string, string] {
  const [, name, value] = /^([^\s:]+):\s*(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    throw new CliError(EXIT.usage, `-H takes 'name: value', as in -H 'version: two'; not ${JSON.stringify(text)}`);
  }
  return [name.toLowerCase(), value];
}
