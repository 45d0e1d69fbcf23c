import { type OnApplicationShutdown } from '@nestjs/common';
import { type Exchange, Refusal } from '#kernel';
import { bodyFraming, NO_BODY } from '../forward/request-head.js';
import { type ResponseTap } from '../forward/response-tap.js';
import { type Route } from '../route.js';
import { Apart } from './apart.js';
import { type CacheReport } from './cache-status.js';
import { type CacheStore, type Filing, type Found } from './cache-store.js';
import { Flight } from './flight.js';
import { timeLeft, useOf } from './freshness.js';
import { Invalidations } from './invalidations.js';
import { InvalidatingTap } from './invalidating-tap.js';
import { type Archive, Recording, type RecordingPlan } from './recording.js';
import { isUnsafe, passesBy } from './request.js';
import { type RouteCache } from './route-cache.js';
import { type StoredResponse } from './stored-response.js';
import { type UpstreamDoor, Visit } from './visit.js';
import { Waiting } from './waiting.js';

/** So many answers are fetched anew behind ones that were served too old, at a time. */
const MOST_REFRESHES = 64;

type Why = NonNullable<CacheReport['fwd']>;

/**
 * The cache of the routes that have one: shared between clients, and after RFC 9111 and 5861. For a request it finds out
 * whether what is stored will do; if not, it lets the request go on upstream, alone or for all that ask the same meanwhile,
 * and a `Recording` sees what comes back.
 */
export class ResponseCache implements Archive, OnApplicationShutdown {
  private readonly flights = new Map<string, Flight>();
  private readonly apart = new Apart();
  private readonly invalidations = new Invalidations();
  private refreshes = 0;

  constructor(
    private readonly store: CacheStore,
    readonly now: () => number,
  ) {}

  serve(exchange: Exchange<Route>, route: Route, cache: RouteCache, door: UpstreamDoor): void {
    if (exchange.upgrade !== null) {
      door.send(exchange, route, null);
      return;
    }
    const visit = new Visit(exchange, route, cache, door);
    const { asked, method } = visit;
    if (isUnsafe(method)) {
      visit.report({ fwd: 'method' });
      door.send(exchange, route, this.endingReads(exchange, route, visit));
      return;
    }
    const passes = passesBy(exchange, cache, bodyFraming(exchange.req) !== NO_BODY);
    if (passes !== null || (asked.noStore && !asked.onlyIfCached)) {
      if (asked.onlyIfCached) this.refuse(visit, 'bypass');
      visit.report(passes === null ? { fwd: 'request' } : { fwd: passes.why, detail: passes.detail });
      door.send(exchange, route, null);
      return;
    }
    const found = this.store.find(visit.key, (names) => visit.variants(names));
    if (!(found instanceof Promise)) this.found(visit, found);
    else void found.then((late) => visit.resume(() => this.found(visit, late)));
  }

  /** For a request that may change what other routes, or the same one, have stored. */
  endingReads(exchange: Exchange<Route>, { cacheOfReads }: Route, visit: Visit | null): ResponseTap | null {
    if (cacheOfReads === null || !isUnsafe(exchange.req.method ?? '')) return null;
    const cache = cacheOfReads(exchange);
    return cache && new InvalidatingTap(exchange, cache, (key) => this.invalidate(key), visit);
  }

  put(filing: Filing): void {
    if (!this.invalidations.since(filing.key, filing.askedAt)) this.store.put(filing);
  }

  remove(key: string): void {
    this.store.remove(key, this.now());
  }

  notShared(id: string): void {
    this.apart.note(id, this.now());
  }

  onApplicationShutdown(): void {
    this.store.close();
  }

  private invalidate(key: string): void {
    this.invalidations.note(key, this.now());
    this.remove(key);
  }

  private found(visit: Visit, { stored: kept, names }: Found): void {
    const { asked } = visit;
    const now = this.now();
    // A store that was away may not have heard of it.
    const ended = kept !== null && this.invalidations.since(visit.key, kept.receivedAt);
    const stored = ended ? null : kept;
    let why: Why = names === null ? 'uri-miss' : 'vary-miss';
    if (stored !== null) {
      if (!isFor(stored, visit)) {
        if (asked.onlyIfCached) this.refuse(visit, 'miss');
        this.ask(visit, 'miss', null, visit.cache.vary);
        return;
      }
      const use = useOf(stored, asked.directives, now);
      if (use === 'fresh' || use === 'accepted' || use === 'refresh') {
        visit.answer(stored, now, { hit: true, timeLeft: timeLeft(stored, now) });
        if (use === 'refresh') this.refresh(visit, stored, names ?? visit.cache.vary);
        return;
      }
      why = use === 'stale' ? 'stale' : 'request';
    }
    if (asked.onlyIfCached) this.refuse(visit, why);
    this.ask(visit, why, stored, names ?? visit.cache.vary);
  }

  private refuse(visit: Visit, why: Why): never {
    visit.report({ fwd: why });
    throw new Refusal('not_cached', 'Only a stored answer was asked for, and there is none that could be used.');
  }

  /** Goes upstream: with others that ask the same, or for them, or alone where nobody could use the answer of another. */
  private ask(visit: Visit, why: Why, stored: StoredResponse | null, names: readonly string[], once = false): void {
    const { asked, method } = visit;
    const now = this.now();
    const id = idOf(visit, method, names);
    const blind = asked.conditional && stored === null;
    if (blind || !visit.cache.keeps.has(method) || this.apart.has(id, now)) {
      this.send(visit, why, stored, id, null);
      return;
    }
    const flight = this.flights.get(id);
    if (flight === undefined) {
      this.send(visit, why, stored, id, this.open(id, now));
      return;
    }
    if (!asked.patient || this.invalidations.since(visit.key, flight.askedAt)) {
      this.send(visit, why, stored, id, null);
      return;
    }
    const waiting = new Waiting(
      visit,
      flight,
      why,
      {
        alone: () => this.send(visit, why, stored, id, null),
        again: (known) => {
          if (once) this.send(visit, why, stored, id, null);
          else this.ask(visit, why, stored, known, true);
        },
        lead: (current) => this.send(visit, why, stored, id, current),
      },
      this.now,
    );
    waiting.start();
  }

  private open(id: string, now: number): Flight {
    const flight: Flight = new Flight(now, () => {
      if (this.flights.get(id) === flight) this.flights.delete(id);
    });
    this.flights.set(id, flight);
    return flight;
  }

  private send(visit: Visit, fwd: Why, stored: StoredResponse | null, id: string, flight: Flight | null): void {
    const { exchange, route, door, method } = visit;
    visit.report({ fwd });
    const plan: RecordingPlan = { method, fwd, stored, id, flight, silent: false, askedAt: this.now() };
    const recording = new Recording(visit, plan, this);
    try {
      door.send(exchange, route, recording);
    } catch (thrown) {
      recording.failed(false);
      throw thrown;
    }
  }

  /** Behind an answer that was served too old. */
  private refresh(visit: Visit, stored: StoredResponse, names: readonly string[]): void {
    const { method } = stored;
    const now = this.now();
    const id = idOf(visit, method, names);
    if (this.refreshes >= MOST_REFRESHES || this.flights.has(id)) return;
    const plan: RecordingPlan = {
      method,
      fwd: 'stale',
      stored,
      id,
      flight: this.open(id, now),
      silent: true,
      askedAt: now,
    };
    this.refreshes++;
    visit.door.fetch(visit.exchange, visit.route, method, new Recording(visit, plan, this), () => this.refreshes--);
  }
}

/** Whether an answer that was not made for this caller may go there (RFC 9111, 3.5). */
function isFor({ terms }: StoredResponse, { asked }: Visit): boolean {
  if (terms.shared) return true;
  return !asked.known && !(asked.cookies && !terms.explicit);
}

/** Those who may wait for one another's answers: callers that are known, ones with cookies, and all others among themselves. */
function idOf(visit: Visit, method: string, names: readonly string[]): string {
  const { known, cookies } = visit.asked;
  return `${visit.key}\n${visit.variant(method, names)}${known ? 'k' : ''}${cookies ? 'c' : ''}`;
}
