/** A change, a sign-in, or an attempt at one that was refused. */
export interface AuditEntry {
  readonly at: Date;
  /** The name of the consumer; null: nobody that is known. */
  readonly actor: string | null;
  /** Names the credential without being one. */
  readonly credential: string | null;
  readonly clientIp: string | null;
  readonly userAgent: string | null;
  /** What was done, as the method and path of the operation, or a name of its own where there is none. */
  readonly operation: string;
  /** What it was done to: `routes/users`. */
  readonly entity: string | null;
  /** As it was before and is after, secrets masked. */
  readonly before: unknown;
  readonly after: unknown;
  readonly outcome: 'done' | 'refused' | 'failed';
  /** Of the answer; null where there was none. */
  readonly status: number | null;
  readonly requestId: string | null;
}

/** What is done by the gateway itself and not for anybody. */
export const BY_ITSELF: Omit<AuditEntry, 'at' | 'operation'> = {
  actor: null,
  credential: null,
  clientIp: null,
  userAgent: null,
  entity: null,
  before: null,
  after: null,
  outcome: 'done',
  status: null,
  requestId: null,
};

/** An entry in its place in the chain. */
export interface ChainedEntry extends AuditEntry {
  readonly seq: number;
  readonly hash: Buffer;
}
