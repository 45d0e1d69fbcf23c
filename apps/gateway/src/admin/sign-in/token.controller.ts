import { Controller, HttpCode, Post, Req, Res, UseGuards } from '@nestjs/common';
import { type Request, type Response } from 'express';
import { isIssued, IssuedTokens, type TokenPair } from '#auth';
import { SnapshotStore } from '#gateway';
import { type Exchange, raise, Refusal } from '#kernel';
import { FailedCredentials } from '#rate-limit';
import { exchangeOf } from '../../reserved-paths.js';
import { AdminGuard } from '../admin.guard.js';
import { Needs } from '../needs.js';
import { OWNER, OwnerKey } from '../owner-key.js';
import { readForm } from './form.js';

type Form = ReadonlyMap<string, string>;

/** What RFC 6749 answers instead of tokens. */
class NotGranted {
  constructor(
    readonly error: 'invalid_request' | 'invalid_client' | 'invalid_grant' | 'unsupported_grant_type',
    readonly description: string,
  ) {}
}

/** Tokens of Aegis's own (RFC 6749, RFC 7009): for a credential that works here, and for a refresh token. */
@Controller('api/admin/oauth')
@UseGuards(AdminGuard)
export class TokenController {
  constructor(
    private readonly guard: AdminGuard,
    private readonly store: SnapshotStore,
    private readonly tokens: IssuedTokens,
    private readonly failed: FailedCredentials,
    private readonly ownerKey: OwnerKey,
  ) {}

  @Post('token')
  @Needs('nothing')
  @HttpCode(200)
  async token(@Req() req: Request, @Res() res: Response): Promise<void> {
    const granted = await this.grant(exchangeOf(req), await readForm(req));
    res.setHeader('Cache-Control', 'no-store');
    if (granted instanceof NotGranted) {
      const { error, description } = granted;
      if (error === 'invalid_client') res.setHeader('WWW-Authenticate', 'Basic realm="aegis"');
      res.status(error === 'invalid_client' ? 401 : 400).json({ error, error_description: description });
      return;
    }
    res.json({
      access_token: granted.access,
      token_type: 'Bearer',
      expires_in: Math.floor(granted.expiresIn / 1000),
      ...(granted.refresh !== null && { refresh_token: granted.refresh }),
      ...(granted.scopes.length > 0 && { scope: granted.scopes.join(' ') }),
    });
  }

  /**
   * Whoever has a token may end it, and everything that came from the same grant. One that nobody was given costs the
   * database a question, as a guess does, and counts as one; it is answered like any other (RFC 7009, 2.2).
   */
  @Post('revoke')
  @Needs('nothing')
  @HttpCode(200)
  async revoke(@Req() req: Request): Promise<object> {
    const token = (await readForm(req)).get('token') ?? '';
    if (!isIssued(token)) return {};
    const exchange = exchangeOf(req);
    raise(this.failed.refusal(exchange));
    if (!(await this.tokens.revoke(token))) raise(await this.failed.count(exchange));
    return {};
  }

  private async grant(exchange: Exchange, form: Form): Promise<TokenPair | NotGranted> {
    const type = form.get('grant_type');
    if (type === 'client_credentials') return await this.forCredential(exchange, form);
    if (type === 'refresh_token') return await this.forRefreshToken(exchange, form.get('refresh_token') ?? '');
    if (type === undefined) return new NotGranted('invalid_request', 'grant_type is missing.');
    return new NotGranted('unsupported_grant_type', 'client_credentials and refresh_token are taken.');
  }

  /** The secret of a client is one of its API keys; a key by itself names its consumer well enough. */
  private async forCredential(exchange: Exchange, form: Form): Promise<TokenPair | NotGranted> {
    const { headers } = exchange.req;
    const [id, secret] = clientIn(headers.authorization) ?? [form.get('client_id'), form.get('client_secret')];
    // A session, or a token that was given before, is not renewed this way for ever.
    const key = secret ?? headers['x-api-key'];
    if (typeof key !== 'string' || key === '' || isIssued(key)) {
      return new NotGranted('invalid_client', 'Send an API key as client_secret, or as X-API-Key.');
    }
    headers['x-api-key'] = key;
    delete headers.authorization;
    delete headers.cookie;
    try {
      await this.guard.identify(exchange);
    } catch (refusal) {
      if (!(refusal instanceof Refusal) || refusal.status !== 401) throw refusal;
      return new NotGranted('invalid_client', 'The client is not known, or its secret is not one of its API keys.');
    }
    const { principal } = exchange;
    if (principal === null || (id !== undefined && id !== principal.consumer)) {
      return new NotGranted('invalid_client', 'The secret is not one of this client.');
    }
    const { lifetimes } = this.store.current.access;
    return await this.tokens.give(this.ownerKey.holderOf(principal), lifetimes, principal === OWNER);
  }

  private async forRefreshToken(exchange: Exchange, token: string): Promise<TokenPair | NotGranted> {
    raise(this.failed.refusal(exchange));
    const next = token === '' ? null : await this.tokens.refresh(token, this.store.current.access.lifetimes);
    if (next !== null) return next;
    raise(await this.failed.count(exchange));
    return new NotGranted('invalid_grant', 'The refresh token is unknown, has ended, or was used before.');
  }
}

function clientIn(authorization = ''): readonly [string, string] | null {
  const encoded = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(authorization)?.[1];
  if (encoded === undefined) return null;
  const [id = '', ...secret] = Buffer.from(encoded, 'base64').toString().split(':');
  return [unescaped(id), unescaped(secret.join(':'))];
}

/** RFC 6749 has both parts encoded like form fields. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
