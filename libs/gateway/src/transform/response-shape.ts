import { clientIsSecure, type Exchange } from '#kernel';
import { type Coding } from './accept-encoding.js';
import { compressResponse } from './compression.js';
import { type CorsPolicy } from './cors.js';
import { type ResponseHeaderChange } from './header-changes.js';
import { addSecurityHeaders, ownSecurityHeaders } from './security-headers.js';

const NONE: readonly string[] = [];

/** What the configuration does to the fields of every answer on a route, or of the gateway where no route was found. */
export class ResponseShape {
  constructor(
    private readonly security: boolean,
    private readonly cors: CorsPolicy | null,
    private readonly changes: ResponseHeaderChange | null,
    private readonly compression: boolean,
  ) {}

  /** For a problem that Aegis answers with: scripts of allowed origins can read it. */
  own(exchange: Exchange): readonly string[] {
    const security = this.security ? ownSecurityHeaders(clientIsSecure(exchange)) : NONE;
    if (this.cors === null) return security;
    return [...security, ...this.cors.fieldsFor(exchange.req.headers.origin)];
  }

  /** Changes the fields of an answer in place. What a route sets or removes has the last word. */
  dress(exchange: Exchange, fields: string[]): void {
    if (this.security) addSecurityHeaders(fields, clientIsSecure(exchange));
    if (this.cors !== null) this.cors.apply(exchange.req.headers.origin, fields);
    if (this.changes !== null) this.changes(fields);
  }

  /** Decides, once the fields are dressed, what the body is encoded with, and changes them to fit. */
  encode(exchange: Exchange, status: number, fields: string[]): Coding | null {
    return this.compression ? compressResponse(exchange.req, status, fields) : null;
  }
}
