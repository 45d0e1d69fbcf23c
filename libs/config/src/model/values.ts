import { validateHeaderName, validateHeaderValue } from 'node:http';
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { checkCidr } from '#kernel';
import { boolean, forms, hidden, oneKey, record, type Schema, text } from '../schema/index.js';

export const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

function checkName(value: string): string | undefined {
  return NAME.test(value)
    ? undefined
    : 'a name has letters, digits, dots, dashes and underscores, begins with a letter or digit, and has at most 128 characters';
}

/** What an entity is called: it appears in metrics, logs and paths of the admin API. */
export const name = text({ words: 'name', check: checkName });

export const cidr = text({
  words: 'CIDR',
  check: checkCidr,
  allowed: 'an address or CIDR, such as 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32',
});

export function checkHeaderName(value: string): string | undefined {
  try {
    validateHeaderName(value);
    return undefined;
  } catch {
    return 'it is not a valid header name';
  }
}

export function checkHeaderValue(value: string): string | undefined {
  try {
    validateHeaderValue('x', value);
    return undefined;
  } catch {
    return 'a header value has no line breaks or other control characters, and only Latin-1 characters';
  }
}

/** Lower case. */
export const headerName = text({ words: 'header name', check: checkHeaderName }).to(
  (value) => value.toLowerCase(),
  (value) => value,
);

export const headerValue = text({ words: 'header value', check: checkHeaderValue, empty: true });

/** What frames a message or belongs to one connection is the gateway's own business. */
const FRAMING = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export function checkForwardedName(value: string): string | undefined {
  const lower = value.toLowerCase();
  if (lower === 'host') return 'set the host with rewrite.host';
  return FRAMING.has(lower) ? 'this header frames the message; Aegis sets it itself' : checkHeaderName(value);
}

export const forwardedHeaderName = text({ words: 'header name', check: checkForwardedName }).to(
  (value) => value.toLowerCase(),
  (value) => value,
);

function isToken(value: string): boolean {
  return checkHeaderName(value) === undefined;
}

/** Upper case. */
export const method = text({
  words: 'method',
  check: (value) => (isToken(value) ? undefined : 'it is not an HTTP method'),
}).to(
  (value) => value.toUpperCase(),
  (value) => value,
);

export function checkRegex(source: string): string | undefined {
  if (source.length > 1000) return 'it is longer than 1,000 characters';
  try {
    new RegExp(source);
    return undefined;
  } catch (error) {
    return error instanceof Error
      ? error.message.replace(/^Invalid regular expression: /, 'it does not compile: ')
      : '';
  }
}

/** Whether it can be made to take for ever is looked at when all have been read. */
export const regex = text({ words: 'regular expression', check: checkRegex }).to(
  (value, place) => {
    if (value !== '') place.regex(value);
    return value;
  },
  (value) => value,
);

const present = boolean().to(
  (value, place) => {
    if (!value) place.wrong('only presence can be asked for', { allowed: 'true' });
    return true as const;
  },
  () => true,
);

const condition = oneKey({ regex, present });

const exactValue = text({ words: 'exact value', empty: true }).to(
  (value) => ({ kind: 'exact' as const, value }),
  ({ value }) => value,
);

/** How a header or query parameter has to look. */
const valueMatch = forms({ text: exactValue, number: exactValue, boolean: exactValue, map: condition }, ({ kind }) =>
  kind === 'exact' ? 'text' : 'map',
);

const SECRET_NAME = /auth|cookie|token|secret|passw|key|credential/i;

function ifSecret(value: Schema<string>): (name: string) => Schema<string> | undefined {
  const masked = hidden(value);
  return (name) => (SECRET_NAME.test(name) ? masked : undefined);
}

/** Header fields to put in; those whose name sounds like a credential are masked when shown. */
export const headerValues = record(headerValue, {
  check: checkForwardedName,
  lowerCase: true,
  of: 'header',
  schemaFor: ifSecret(headerValue),
});

const parameterValue = text({ empty: true });
export const parameterValues = record(parameterValue, { of: 'parameter', schemaFor: ifSecret(parameterValue) });

const secretValue = hidden(text({ words: 'exact value' })).to(
  (value) => ({ kind: 'exact' as const, value }),
  ({ value }) => value,
);

/** Headers that let somebody pass: their values are secrets. */
export const secretHeaderMatches = record(
  forms({ text: secretValue, number: secretValue, boolean: secretValue, map: condition }, ({ kind }) =>
    kind === 'exact' ? 'text' : 'map',
  ),
  { check: checkHeaderName, lowerCase: true, of: 'header' },
);

export const headerMatches = record(valueMatch, { check: checkHeaderName, lowerCase: true, of: 'header' });
export const queryMatches = record(valueMatch, { of: 'parameter' });

/** What is wrong with a path as the gateway sees paths: normalised, without query and fragment. */
export function checkPath(path: string): string | undefined {
  if (!path.startsWith('/')) return 'a path begins with /';
  if (/[?#]/.test(path)) return 'a path has no ? or #; match parameters under query';
  if (/[^\x21-\x7e]/.test(path)) return `write it percent-encoded: ${encodeURI(path)}`;
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return 'a % is followed by two hexadecimal digits';
  if (path.includes('\\')) return 'a path has no backslash';
  if (path.includes('//')) return 'a doubled slash never matches, because requests are normalised first';
  if (path.split('/').some((segment) => segment === '.' || segment === '..')) {
    return 'a dot segment never matches, because requests are normalised first';
  }
  const encoded = /%(2[DdEe]|3[0-9]|4[1-9A-Fa-f]|5[0-9AaFf]|6[1-9A-Fa-f]|7[0-9AaEe])/.exec(path)?.[0];
  if (encoded === undefined) return undefined;
  return `write ${decodeURIComponent(encoded)} instead of ${encoded}, because requests are normalised first`;
}

export const path = text({ words: 'path', check: checkPath });

function checkPattern(value: string): string | undefined {
  const segments = value.slice(1).split('/');
  const names = segments.filter((segment) => segment.startsWith(':')).map((segment) => segment.slice(1));
  const bad = names.find((param) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(param));
  if (bad !== undefined) return `":${bad}" is not a parameter; write a colon and a name, such as :id`;
  const twice = names.find((param, index) => names.indexOf(param) !== index);
  if (twice !== undefined) return `the parameter :${twice} stands there twice`;
  const star = segments.findIndex((segment) => segment.includes('*'));
  if (star === -1 || (star === segments.length - 1 && segments[star] === '*')) return undefined;
  return 'a * is the whole last segment, such as /files/*; use :name for one segment in the middle, or { regex: … }';
}

function isPattern(value: string): boolean {
  return value.includes('*') || value.includes('/:');
}

const plainPath = text({
  words: 'path',
  check: (value) => checkPath(value) ?? (isPattern(value) ? checkPattern(value) : undefined),
}).to(
  (value) => ({ kind: isPattern(value) ? ('pattern' as const) : ('prefix' as const), value }),
  ({ value }) => value,
);

/** `/api` and below by segment, a pattern with `:name` or a final `*`, or said outright. */
export const pathMatch = forms(
  { text: plainPath, map: oneKey({ exact: path, prefix: path, regex }) },
  ({ kind, value }) => (kind === 'pattern' || (kind === 'prefix' && !isPattern(value)) ? 'text' : 'map'),
  'path, { exact: … }, { prefix: … } or { regex: … }',
);

/** The paths of rules: a path by itself, or with everything below it when it ends in `/*`. */
export const rulePath = text({
  words: 'path',
  check: (value) =>
    checkPath(value) ?? (/\*(?!$)|[^/]\*$/.test(value) ? 'a * stands at the end, after a slash: /admin/*' : undefined),
});

function checkHostName(value: string): string | undefined {
  const plain = value.startsWith('*.') ? value.slice(2) : value;
  if (isIP(plain.replace(/^\[(.*)\]$/, '$1')) !== 0) return undefined;
  if (/:\d+$/.test(plain)) return 'leave out the port: the port of Host is ignored';
  if (plain.includes('*')) return 'a * stands alone at the front: *.example.com';
  const ascii = domainToASCII(plain);
  if (
    /^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$/.test(ascii)
  ) {
    return undefined;
  }
  return 'it is not a host name';
}

function asciiHost(value: string): string {
  const plain = value.startsWith('*.') ? value.slice(2) : value;
  if (plain.startsWith('[') || isIP(plain) !== 0) return plain.toLowerCase();
  const ascii = domainToASCII(plain).replace(/\.$/, '');
  return value.startsWith('*.') ? `*.${ascii}` : ascii;
}

/** `api.example.com` or `*.example.com`, lower case, international names in their ASCII form. */
export const host = text({ words: 'host name', check: checkHostName }).to(asciiHost, (value) => value);

/** A host name for a field that a person would fill with one host, not a wildcard. */
export const oneHost = text({
  words: 'host name',
  check: (value) => (value.includes('*') ? 'it is a pattern, not one host' : checkHostName(value)),
}).to(asciiHost, (value) => value);

/** A host name that may have a port. */
export function checkAuthority(value: string): string | undefined {
  return (
    checkHostName(value.replace(/:\d{1,5}$/, '')) ?? (value.includes('*') ? 'it is a pattern, not one host' : undefined)
  );
}

/** A path of this machine; what it is relative to says the field. */
export const filePath = text({ words: 'file name' });

function checkUrl(protocols: readonly string[]): (value: string) => string | undefined {
  return (value) => {
    if (!URL.canParse(value)) return 'it is not a URL';
    const { protocol, username, password } = new URL(value);
    if (username !== '' || password !== '') return 'a URL here has no credentials, because it is shown';
    return protocols.includes(protocol)
      ? undefined
      : `it must begin with ${protocols.map((p) => `${p}//`).join(' or ')}`;
  };
}

export function url(...protocols: readonly string[]): Schema<string> {
  return text({ words: 'URL', check: checkUrl(protocols), allowed: `a URL such as ${protocols[0] ?? ''}//host/path` });
}

const CRON_FIELDS = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of the month', min: 1, max: 31 },
  {
    name: 'month',
    min: 1,
    max: 12,
    words: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  { name: 'day of the week', min: 0, max: 7, words: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
] as const;

function checkCron(expression: string): string | undefined {
  const fields = expression.trim().split(/\s+/);
  if (fields.length !== CRON_FIELDS.length) {
    return `it has ${fields.length} field${fields.length === 1 ? '' : 's'} instead of five: minute, hour, day, month, day of the week`;
  }
  for (const [index, { name, min, max, ...rest }] of CRON_FIELDS.entries()) {
    const words: readonly string[] = 'words' in rest ? rest.words : [];
    const number = (part: string): number => {
      const word = words.indexOf(part.toLowerCase());
      if (word !== -1) return word + min;
      return /^\d+$/.test(part) ? Number(part) : NaN;
    };
    for (const part of (fields[index] ?? '').split(',')) {
      const [, from = '', to, step] = /^([^-/]+)(?:-([^-/]+))?(?:\/(\d+))?$/.exec(part) ?? [];
      const low = from === '*' ? min : number(from);
      const high = from === '*' ? max : to === undefined ? low : number(to);
      const fits = low >= min && high <= max && low <= high && (from !== '*' || to === undefined) && step !== '0';
      if (!fits) return `${JSON.stringify(part)} is not a ${name} (${min}–${max})`;
    }
  }
  return undefined;
}

/** Five fields. */
export const cron = text({ words: 'cron expression', check: checkCron, allowed: 'five fields such as "0 3 * * 0"' });
