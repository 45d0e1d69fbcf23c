import { Controller, Get, HttpCode, Post, Req, Res, UseGuards } from '@nestjs/common';
import { type Request, type Response } from 'express';
import { isOfOurPages, IssuedTokens, SESSION_COOKIE, sessionCookie, type SignIn } from '#auth';
import { SnapshotStore } from '#gateway';
import { clientIsSecure, type Exchange, type Principal, Refusal } from '#kernel';
import { exchangeOf } from '../../reserved-paths.js';
import { AdminGuard } from '../admin.guard.js';
import { Needs } from '../needs.js';
import { asCookie, setCookie, UNDER_WAY_COOKIE, underWayIn } from './cookies.js';
import { readForm } from './form.js';

const SESSION_MS = 12 * 3_600_000;
const UNDER_WAY_MS = 600_000;
const CONSOLE = '/console';

/** Signing in to the console: by the issuer that `auth.oauth2.login` names, or with a key. Both end in a session cookie. */
@Controller('api/admin')
@UseGuards(AdminGuard)
export class LoginController {
  constructor(
    private readonly guard: AdminGuard,
    private readonly store: SnapshotStore,
    private readonly tokens: IssuedTokens,
  ) {}

  @Get('login')
  @Needs('nothing')
  async begin(@Req() req: Request, @Res() res: Response): Promise<void> {
    const exchange = exchangeOf(req);
    const { url, underWay } = await this.signIn().begin(originOf(exchange));
    setCookie(exchange, res, UNDER_WAY_COOKIE, asCookie(underWay), UNDER_WAY_MS);
    res.redirect(303, url);
  }

  @Get('login/callback')
  @Needs('nothing')
  async finish(@Req() req: Request, @Res() res: Response): Promise<void> {
    const exchange = exchangeOf(req);
    const underWay = underWayIn(exchange);
    if (underWay === null) {
      throw new Refusal('bad_request', 'No sign-in was begun in this browser of late: begin at /api/admin/login.');
    }
    setCookie(exchange, res, UNDER_WAY_COOKIE, '', 0);
    const principal = await this.signIn().finish(originOf(exchange), exchange.query, underWay);
    await this.open(exchange, res, principal);
    res.redirect(303, CONSOLE);
  }

  /** `{"key": "…"}`: any key that works here, for a session in its place. */
  @Post('login')
  @Needs('nothing')
  @HttpCode(200)
  async withKey(@Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<object> {
    const exchange = exchangeOf(req);
    const { headers } = exchange.req;
    if ((headers.origin !== undefined || headers['sec-fetch-site'] !== undefined) && !isOfOurPages(exchange)) {
      throw new Refusal('forbidden', 'Another site has sent this.');
    }
    const key = (await readForm(req)).get('key') ?? '';
    if (key === '') {
      throw new Refusal('validation_failed', 'Send {"key": "…"} with a key that works here.', undefined, [
        { path: 'key', message: 'is required' },
      ]);
    }
    headers['x-api-key'] = key;
    delete headers.authorization;
    delete headers.cookie;
    await this.guard.identify(exchange);
    const { principal } = exchange;
    if (principal === null) throw this.store.current.access.admin.route.required();
    await this.open(exchange, res, principal);
    return shown(principal);
  }

  @Post('logout')
  @Needs('nothing')
  @HttpCode(204)
  async logout(@Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<void> {
    const exchange = exchangeOf(req);
    const token = sessionCookie(exchange);
    if (token === null) return;
    if (!isOfOurPages(exchange)) throw new Refusal('forbidden', 'Another site has sent this.');
    await this.tokens.revoke(token);
    setCookie(exchange, res, SESSION_COOKIE, '', 0);
  }

  @Get('me')
  @Needs('a credential')
  me(@Req() req: Request): object {
    const { principal } = exchangeOf(req);
    if (principal === null) throw this.store.current.access.admin.route.required();
    return shown(principal);
  }

  private signIn(): SignIn {
    const { signIn } = this.store.current.access;
    if (signIn !== null) return signIn;
    throw new Refusal('not_configured', 'Sign-in by an issuer needs auth.oauth2 with login.enabled.');
  }

  private async open(exchange: Exchange, res: Response, principal: Principal): Promise<void> {
    setCookie(exchange, res, SESSION_COOKIE, await this.tokens.openSession(principal, SESSION_MS), SESSION_MS);
    res.setHeader('Cache-Control', 'no-store');
  }
}

function shown({ consumer, user, roles }: Principal): object {
  return { name: consumer, user, roles };
}

function originOf(exchange: Exchange): string {
  return `${clientIsSecure(exchange) ? 'https' : 'http'}://${exchange.host}`;
}
