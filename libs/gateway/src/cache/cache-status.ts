/** The parameters of our member of `Cache-Status` (RFC 9211). */
export interface CacheReport {
  readonly hit?: boolean;
  readonly fwd?: 'uri-miss' | 'vary-miss' | 'stale' | 'request' | 'method' | 'bypass' | 'miss';
  readonly fwdStatus?: number;
  /** Milliseconds. */
  readonly timeLeft?: number;
  readonly stored?: boolean;
  readonly collapsed?: boolean;
  /** A token. */
  readonly detail?: string | null;
}

export function cacheStatus({ hit, fwd, fwdStatus, timeLeft, stored, collapsed, detail }: CacheReport): string {
  let text = 'Aegis';
  if (hit === true) text += '; hit';
  if (fwd !== undefined) text += `; fwd=${fwd}`;
  if (fwdStatus !== undefined) text += `; fwd-status=${fwdStatus}`;
  if (timeLeft !== undefined) text += `; ttl=${Math.floor(timeLeft / 1000)}`;
  if (stored === true) text += '; stored';
  if (collapsed === true) text += '; collapsed';
  if (detail != null) text += `; detail=${detail}`;
  return text;
}
