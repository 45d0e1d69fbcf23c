import { domainToASCII } from 'node:url';

/** The host that a Host field names: lower case, without the port, without the trailing dot of a full name. */
export function hostName(field: string): string {
  let end = field.startsWith('[') ? field.indexOf(']') + 1 : field.indexOf(':');
  if (end <= 0) end = field.length;
  if (field.charCodeAt(end - 1) === DOT) end--;
  return (end === field.length ? field : field.slice(0, end)).toLowerCase();
}

const DOT = 0x2e;

export interface RouteHost {
  /** `api.example.com`, or `example.com` for `*.example.com`; as it stands in a request. */
  readonly name: string;
  readonly wildcard: boolean;
}

/** The host of a route, or what is wrong with it as it is written in the configuration. */
export function parseHost(written: string): RouteHost | string {
  const wildcard = written.startsWith('*.');
  const rest = wildcard ? written.slice(2) : written;
  if (rest.includes('*')) {
    return rest === '*'
      ? 'leave "hosts" empty for every host'
      : 'a wildcard is "*." and a name: it stands for every name below it, at any depth';
  }
  if (/^\[[0-9a-f:.]+\]$/i.test(rest) && !wildcard) return { name: rest.toLowerCase(), wildcard };
  if (/[:/@?#\s]/.test(rest)) return 'a host is a name without scheme, port and path';
  const name = domainToASCII(rest.replace(/\.$/, ''));
  return name === '' ? 'a host is a name such as api.example.com or *.example.com' : { name, wildcard };
}
