/** Fields by which a client could pretend to be Aegis, or a proxy before it. None may reach an upstream from a stranger. */
export const FORGED: readonly (readonly [name: string, value: string])[] = [
  ['X-Consumer-Name', 'admin'],
  ['x-consumer-name', 'admin'],
  ['X-CONSUMER-ID', '1'],
  ['X-Consumer-Roles', 'admin'],
  ['X-Consumer-Plan', 'gold'],
  ['X-Consumer-', 'x'],
  ['X-Aegis-Identity', 'x'],
  ['X-Forwarded-For', '6.6.6.6'],
  ['x-forwarded-for', '127.0.0.1, 10.0.0.1'],
  ['X-Forwarded-For', '::1'],
  ['X-Forwarded-Proto', 'https'],
  ['X-Forwarded-Host', 'evil.test'],
  ['X-Forwarded-Port', '443'],
  ['X-Forwarded-Prefix', '/evil'],
  ['X-Forwarded-Server', 'evil'],
  ['X-Forwarded-Scheme', 'https'],
  ['X-Forwarded-Ssl', 'on'],
  ['X-Forwarded-Client-Cert', 'Subject="CN=admin"'],
  ['X-Forwarded-User', 'admin'],
  ['X-Forwarded-Anything', '6.6.6.6'],
  ['Forwarded', 'for=6.6.6.6;proto=https;host=evil.test'],
  ['FORWARDED', 'for="[::1]"'],
  ['X-Real-IP', '6.6.6.6'],
  ['x-real-ip', '127.0.0.1'],
];

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

/** What a request id must not be made of: it stands in logs, in other systems' headers, and in answers. */
export const BAD_IDS: readonly string[] = [
  '',
  ' ',
  'a b',
  'a\tb',
  'a,b',
  'a;b',
  'a/b',
  '../../etc/passwd',
  'a:b',
  'a"b',
  "a'b",
  '"}{"level":"error","msg":"forged',
  '<script>alert(1)</script>',
  '$(reboot)',
  '${jndi:ldap://evil}',
  '%0d%0aX-Evil: 1',
  '\\r\\nX-Evil: 1',
  '\xe9',
  '\x9b2J',
  'a=b',
  'a@b',
  'a+b',
  'a|b',
  'a*b',
  'x'.repeat(129),
  'x'.repeat(5000),
];

export const GOOD_IDS: readonly string[] = ['a', 'A.b_c-9', '0', '-', '..', 'x'.repeat(128)];

/** What is no trace context, and has to be followed by a new one. */
export const BAD_TRACES: readonly string[] = [
  '',
  'x',
  `00-${TRACE}-${SPAN}`,
  `00-${TRACE}-${SPAN}-`,
  `00-${TRACE}-${SPAN}-1`,
  `00-${TRACE}-${SPAN}-zz`,
  `00-${TRACE}-${SPAN}-011`,
  `0-${TRACE}-${SPAN}-01`,
  `ff-${TRACE}-${SPAN}-01`,
  `00-${'0'.repeat(32)}-${SPAN}-01`,
  `00-${TRACE}-${'0'.repeat(16)}-01`,
  `00-${TRACE.toUpperCase()}-${SPAN}-01`,
  `00-${TRACE.slice(1)}-${SPAN}-01`,
  `00-${TRACE}0-${SPAN}-01`,
  `00-${TRACE}-${SPAN}0-01`,
  `00 ${TRACE} ${SPAN} 01`,
  `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`,
  `"00-${TRACE}-${SPAN}-01"`,
  'x'.repeat(5000),
];

export const GOOD_TRACE = `00-${TRACE}-${SPAN}-01`;
export const TRACE_ID = TRACE;

/** Hosts that could be taken for the way to an upstream. */
export function strangeHosts(upstreamPort: number): readonly string[] {
  return [
    `127.0.0.1:${upstreamPort}`,
    `localhost:${upstreamPort}`,
    '127.0.0.1:1',
    '[::1]:1',
    '169.254.169.254',
    'main',
    'upstream',
    '0',
    '0x7f000001',
    '2130706433',
    'evil.test',
    'evil.test.',
    'EVIL.TEST:65535',
    'evil.test:0',
    'evil.test:99999',
    `${'a'.repeat(250)}.test`,
  ];
}

/** Spellings of `admin.test`. */
export const ADMIN_HOSTS: readonly string[] = [
  'admin.test',
  'ADMIN.TEST',
  'Admin.Test:80',
  'admin.test:',
  'admin.test:8080',
  'admin.test.',
  'admin.test.:80',
];
