import { type FieldNames } from '../transform/field-names.js';
import { type ResponseHead } from '../forward/http1/response-head.js';
import { type Conditions, type Interest, type ResponseTap } from '../forward/response-tap.js';
import { type CacheReport } from './cache-status.js';
import { type Filing } from './cache-store.js';
import { freshened, validatorLines } from './conditional.js';
import { fieldOf } from './fields.js';
import { type Flight } from './flight.js';
import { standsIn, timeLeft, uselessAt, useOf } from './freshness.js';
import { formatHttpDate } from './http-date.js';
import { directives } from './cache-control.js';
import { keptFields, selectingNames, unstorable } from './storable.js';
import { type StoredResponse } from './stored-response.js';
import { termsOf } from './terms.js';
import { type Visit } from './visit.js';

export interface RecordingPlan {
  /** Of the request upstream. */
  readonly method: string;
  readonly fwd: NonNullable<CacheReport['fwd']>;
  /** What is there already, but has to be asked about. */
  readonly stored: StoredResponse | null;
  /** What it is waited for by. */
  readonly id: string;
  /** Those who wait for it. */
  readonly flight: Flight | null;
  /** Nobody is answered with it. */
  readonly silent: boolean;
  readonly askedAt: number;
}

/** What becomes of a recording. */
export interface Archive {
  put(filing: Filing): void;
  remove(key: string): void;
  /** It turned out that there is nothing to wait for. */
  notShared(id: string): void;
  now(): number;
}

/** A failure of the upstream's, for which a stale answer may stand in (RFC 5861, 4). */
const FAILURES = new Set([500, 502, 503, 504]);
const ANYTHING = directives('');

type Draft = Omit<StoredResponse, 'body'>;

/** Takes down one answer of an upstream, and decides what it means for what is stored. */
export class Recording implements ResponseTap {
  readonly conditions: Conditions | null = null;
  private draft: Draft | null = null;
  private names: readonly string[] = [];
  private pieces: Buffer[] = [];
  private size = 0;

  constructor(
    private readonly visit: Visit,
    private readonly plan: RecordingPlan,
    private readonly archive: Archive,
  ) {
    const lines = plan.stored === null ? '' : validatorLines(plan.stored);
    if (lines !== '') this.conditions = { hides: hiddenOf(visit), lines };
  }

  head(head: ResponseHead): boolean {
    const { visit, plan } = this;
    const { status } = head;
    const now = this.archive.now();
    if (plan.stored !== null && this.conditions !== null && status === 304) {
      this.confirmed(plan.stored, head.headers, now);
      return true;
    }
    if (FAILURES.has(status) && this.rescue(status)) return true;
    const why = this.begin(head, now);
    if (why !== null) {
      this.dismiss();
      // It was about to be used again, and the upstream does not want that any more.
      if (plan.stored !== null && status < 500) this.archive.remove(visit.key);
    }
    if (!plan.silent) {
      visit.report({ fwd: plan.fwd, fwdStatus: status, stored: why === null, detail: why });
    }
    return false;
  }

  data(piece: Buffer): Interest {
    if (this.draft === null) return 'none';
    this.size += piece.length;
    if (this.size > this.visit.cache.maxBody) {
      this.dismiss();
      return 'none';
    }
    this.pieces.push(Buffer.from(piece));
    return (this.plan.flight?.waiting ?? 0) > 0 ? 'much' : 'some';
  }

  complete(trailers: readonly string[]): void {
    const { draft } = this;
    if (draft === null) return;
    if (trailers.length > 0) {
      this.dismiss();
      return;
    }
    // Of its own: pieces may be views into memory that is much larger.
    const body = Buffer.allocUnsafeSlow(this.size);
    let at = 0;
    for (const piece of this.pieces) at += piece.copy(body, at);
    this.draft = null;
    this.pieces = [];
    this.file({ ...draft, fields: withLength(draft, body.length), body }, this.names);
  }

  failed(answerable: boolean): boolean {
    this.drop();
    if (answerable && this.rescue(null)) return true;
    this.plan.flight?.dissolve();
    return false;
  }

  left(): void {
    this.drop();
    this.plan.flight?.leaderLeft();
  }

  /** Null: the body is taken down from here on. Otherwise why not, in a word. */
  private begin({ status, reason, headers, length }: ResponseHead, now: number): string | null {
    const { visit, plan } = this;
    const { method, askedAt } = plan;
    if (!visit.cache.keeps.has(method)) return 'method';
    if (length > visit.cache.maxBody) return 'size';
    const terms = termsOf({ status, fields: headers, requestedAt: askedAt, receivedAt: now }, visit.cache);
    const why = unstorable({ status, fields: headers, terms, asked: visit.asked });
    if (why !== null) return why;
    const names = selectingNames(headers, visit.cache.vary);
    if (names === null) return 'vary';
    const draft = { method, status, reason, receivedAt: now, terms, fields: keptFields(headers, formatHttpDate(now)) };
    const stored = { ...draft, body: EMPTY };
    if (uselessAt(stored) <= now) return 'expired';
    this.draft = draft;
    this.names = names;
    if (useOf(stored, ANYTHING, now) === 'fresh') {
      plan.flight?.proved({ names, variant: visit.variant(method, names) });
    } else if (terms.noCache || terms.lifetime <= 0) this.dissolve();
    else plan.flight?.dissolve();
    return null;
  }

  /** The upstream says that what is stored is still good. */
  private confirmed(stored: StoredResponse, news: readonly string[], now: number): void {
    const { visit, plan } = this;
    const fields = freshened(stored.fields, news, formatHttpDate(now));
    if (fields === null) {
      // It speaks of another answer than the one it was asked about: this client has the old one, the next asks anew.
      this.archive.remove(visit.key);
      this.dissolve();
      this.tell(stored, now);
      return;
    }
    const { status } = stored;
    const terms = termsOf({ status, fields, requestedAt: plan.askedAt, receivedAt: now }, visit.cache);
    const fresh = { ...stored, fields: keptFields(fields, ''), receivedAt: now, terms };
    const names = selectingNames(fields, visit.cache.vary);
    if (names === null || unstorable({ status, fields, terms, asked: visit.asked }) !== null) {
      this.archive.remove(visit.key);
      this.dissolve();
    } else this.file(fresh, names);
    this.tell(fresh, now);
  }

  private tell(stored: StoredResponse, now: number): void {
    const { visit, plan } = this;
    if (plan.silent) return;
    const report = { fwd: plan.fwd, fwdStatus: 304, timeLeft: timeLeft(stored, now), stored: true };
    visit.answer(stored, now, report, true);
  }

  /** True: a stale answer has taken the place of the one that the upstream failed to give. */
  private rescue(status: number | null): boolean {
    const { visit, plan, archive } = this;
    const { stored } = plan;
    const now = archive.now();
    if (stored === null || plan.silent || !standsIn(stored, visit.asked.directives, now)) return false;
    visit.answer(stored, now, {
      fwd: plan.fwd,
      ...(status !== null && { fwdStatus: status }),
      timeLeft: timeLeft(stored, now),
      detail: 'stale-if-error',
    });
    plan.flight?.rescued(stored);
    return true;
  }

  private file(stored: StoredResponse, names: readonly string[]): void {
    const { visit, plan, archive } = this;
    const variant = visit.variant(stored.method, names);
    archive.put({
      key: visit.key,
      names,
      variant,
      stored,
      askedAt: plan.askedAt,
      uselessAt: uselessAt(stored),
    });
    plan.flight?.landed(stored, { names, variant: visit.variant(plan.method, names) });
  }

  private dismiss(): void {
    this.drop();
    this.dissolve();
  }

  private dissolve(): void {
    this.archive.notShared(this.plan.id);
    this.plan.flight?.dissolve();
  }

  private drop(): void {
    this.draft = null;
    this.pieces = [];
  }
}

/** An answer that came in pieces has none; one to a HEAD, or without a body, says it by itself or not at all. */
function withLength({ method, status, fields }: Draft, length: number): readonly string[] {
  if (method === 'HEAD' || status === 204 || fieldOf(fields, 'content-length') !== null) return fields;
  return [...fields, 'Content-Length', String(length)];
}

const EMPTY = Buffer.alloc(0);

function hiddenOf({ exchange, cache: { hides } }: Visit): FieldNames {
  if (exchange.principal === null) return hides.anonymous;
  const inAuthorization = hides.authorization?.where.test(exchange.req.headers.authorization ?? '') === true;
  return inAuthorization ? hides.authorization.fields : hides.known;
}
