/**
 * Where a path leads on a server that decodes it too often, takes backslashes for slashes, and resolves dots and merges
 * slashes after that. `times`: how often it decodes.
 */
export function whereItLeads(path: string, times: number, backslashes: boolean): string {
  let text = path;
  for (let i = 0; i < times; i++) text = decode(text);
  if (backslashes) text = text.replaceAll('\\', '/');
  const [untilNul = ''] = text.split('\0');
  const kept: string[] = [];
  for (const segment of untilNul.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  return `/${kept.join('/')}`;
}

/** Bytes for encodings, whatever they mean; overlong forms of ASCII mean ASCII; what is malformed stays. */
function decode(text: string): string {
  return text
    .replaceAll(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    .replaceAll(/[\xc0\xc1]([\x80-\xbf])/g, (pair, last: string) =>
      String.fromCharCode(((pair.charCodeAt(0) & 1) << 6) | (last.charCodeAt(0) & 0x3f)),
    )
    .replaceAll(/\xe0[\x80\x81]([\x80-\xbf])/g, (triple, last: string) =>
      String.fromCharCode(((triple.charCodeAt(1) & 1) << 6) | (last.charCodeAt(0) & 0x3f)),
    );
}
