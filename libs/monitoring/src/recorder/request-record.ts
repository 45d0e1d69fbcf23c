import { type ErrorCode, type Exchange, type LimitUse } from '#kernel';

/** What is kept of an exchange. Made once for each place in the ring and written over: recording allocates nothing. */
export class RequestRecord {
  time = 0;
  id = '';
  method = '';
  host = '';
  path = '';
  query = '';
  route = '';
  backend = '';
  clientIp = '';
  userAgent = '';
  status = 0;
  latencyMs = 0;
  upstreamMs = 0;
  bytesIn = 0;
  bytesOut = 0;
  retries = 0;
  cached = false;
  aborted = false;
  rateLimited = false;
  /** What the limits said. */
  limits: readonly LimitUse[] = [];
  errorCode: ErrorCode | null = null;
  errorMessage: string | null = null;

  take(exchange: Exchange, time: number): void {
    const { req } = exchange;
    this.time = time;
    this.id = exchange.id;
    this.method = req.method ?? '';
    this.host = exchange.host;
    this.path = exchange.path;
    this.query = exchange.query;
    this.route = exchange.route?.name ?? '';
    this.backend = exchange.backend;
    this.clientIp = exchange.clientIp;
    this.userAgent = req.headers['user-agent'] ?? '';
    this.status = exchange.status;
    this.latencyMs = exchange.latencyMs;
    this.upstreamMs = exchange.upstreamMs;
    this.bytesIn = exchange.bytesIn;
    this.bytesOut = exchange.bytesOut;
    this.retries = exchange.retries;
    this.cached = exchange.cached;
    this.aborted = exchange.aborted;
    this.rateLimited = exchange.rateLimited;
    this.limits = exchange.limits;
    this.errorCode = exchange.errorCode;
    this.errorMessage = exchange.errorMessage;
  }
}
