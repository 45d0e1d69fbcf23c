import { MASK } from '#kernel';
import { type AuditEntry } from './entry.js';

const LONGEST_TEXT = 1024;
const LARGEST = 256 * 1024;
const DEEPEST = 32;
const SECRET_NAME =
  /secret|passw|token|credential|authorization|cookie|signature|assertion|private|hash|salt|(^|[-_.])key$|[a-z]Key$/i;
/** What the limits count by is called a key too. */
const LIMIT_KEY = /^(ip|consumer|api-key|user|route|auto)$|^(header|cookie|claim):/;
const URL_PASSWORD = /(:\/\/[^/\s:@]*):[^/\s@]+@/g;

/** An entry as the database keeps it and gives it back, so that its hash can be made again: no secret, and not too much. */
export function storable(entry: AuditEntry): AuditEntry {
  const { actor, credential, clientIp, userAgent, operation, entity, before, after, requestId } = entry;
  return {
    ...entry,
    actor: short(actor),
    credential: short(credential),
    clientIp: short(clientIp),
    userAgent: short(userAgent),
    operation: short(operation) ?? '',
    entity: short(entity),
    before: masked(before),
    after: masked(after),
    requestId: short(requestId),
  };
}

function short(value: string | null): string | null {
  return value === null ? null : plain(value.slice(0, LONGEST_TEXT));
}

/** What PostgreSQL takes: no NUL and no half of a character. */
function plain(value: string): string {
  return value
    .replaceAll('\0', '\uFFFD')
    .replace(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, '\uFFFD');
}

function masked(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  const copy = copyOf(value, 0);
  const bytes = Buffer.byteLength(JSON.stringify(copy));
  return bytes <= LARGEST ? copy : { leftOut: `${bytes} bytes are too much for an entry` };
}

function copyOf(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return plain(value).replace(URL_PASSWORD, `$1:${MASK}@`);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (typeof value === 'bigint' || typeof value === 'symbol' || typeof value === 'function') return String(value);
  if (typeof value !== 'object' || value === null) return value ?? null;
  if (value instanceof Date) return value.toISOString();
  if (depth === DEEPEST) return '…';
  if (Array.isArray(value)) return value.map((each) => copyOf(each, depth + 1));
  const members = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(members.map(([name, each]) => [plain(name), memberOf(name, each, depth + 1)]));
}

function memberOf(name: string, value: unknown, depth: number): unknown {
  if (!SECRET_NAME.test(name)) return copyOf(value, depth);
  if (Array.isArray(value)) return value.map((each) => memberOf(name, each, depth));
  const secret = typeof value === 'number' || (typeof value === 'string' && !LIMIT_KEY.test(value));
  return secret ? MASK : copyOf(value, depth);
}
