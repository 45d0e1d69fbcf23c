import { Controller, Get, HttpCode, Post, Req, Res, UseGuards } from '@nestjs/common';
import { type Request, type Response } from 'express';
import { isIssued, isOfOurPages, IssuedTokens, SESSION_COOKIE, sessionCookie, type SignIn } from '#auth';
import { SnapshotStore } from '#gateway';
import { clientIsSecure, type Exchange, type Principal, raise, Refusal } from '#kernel';
import { FailedCredentials } from '#rate-limit';
import { exchangeOf } from '../../reserved-paths.js';
import { AdminGuard } from '../admin.guard.js';
import { Needs } from '../needs.js';
import { OwnerKey } from '../owner-key.js';
import { clearUnderWay, setCookie, setUnderWay, underWayIn } from './cookies.js';
import { readForm } from './form.js';
import { returnPath } from './return-to.js';

const UNDER_WAY_MS = 600_000;

/** Signing in to the console: by the issuer that `auth.oauth2.login` names, or with a key. Both end in a session cookie. */
@Controller('api/admin')
@UseGuards(AdminGuard)
export class LoginController {
  constructor(
    private readonly guard: AdminGuard,
    private readonly store: SnapshotStore,
    private readonly tokens: IssuedTokens,
    private readonly failed: FailedCredentials,
    private readonly ownerKey: OwnerKey,
  ) {}

  /** `returnTo=`: a path of Aegis's own to be at afterwards. */
  @Get('login')
  @Needs('nothing')
  async begin(@Req() req: Request, @Res() res: Response): Promise<void> {
    const exchange = exchangeOf(req);
    const { url, underWay } = await this.signIn().begin(originOf(exchange));
    const returnTo = returnPath(new URLSearchParams(exchange.query).get('returnTo'));
    setUnderWay(exchange, res, { ...underWay, returnTo }, UNDER_WAY_MS);
    leadTo(res, url);
  }

  @Get('login/callback')
  @Needs('nothing')
  async finish(@Req() req: Request, @Res() res: Response): Promise<void> {
    const exchange = exchangeOf(req);
    const signIn = this.signIn();
    const all = underWayIn(exchange);
    const state = new URLSearchParams(exchange.query).get('state');
    const begun = all.find((each) => each.state === state) ?? all.at(-1);
    if (begun === undefined) {
      throw new Refusal('bad_request', 'No sign-in was begun in this browser of late: begin at /api/admin/login.');
    }
    clearUnderWay(exchange, res, state, UNDER_WAY_MS);
    raise(this.failed.refusal(exchange));
    const principal = await this.orCounted(exchange, signIn.finish(originOf(exchange), exchange.query, begun));
    exchange.principal = principal;
    if (principal.roles.length === 0) throw new Refusal('forbidden', signIn.missing);
    await this.open(exchange, res, principal);
    // The cookie is the browser's to write, so what it says is looked at again.
    leadTo(res, returnPath(begun.returnTo));
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
    // A session, or a token that was given before, is not renewed this way for ever.
    if (key === '' || isIssued(key)) {
      throw new Refusal('validation_failed', 'Send {"key": "…"} with a key that works here.', undefined, [
        { path: 'key', message: key === '' ? 'is required' : 'is a token that was given for a key: send the key' },
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
    await this.nameWhoLeaves(exchange);
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

  /** For the audit log. A session that has ended already is left as well. */
  private async nameWhoLeaves(exchange: Exchange): Promise<void> {
    try {
      await this.guard.identify(exchange);
    } catch (refusal) {
      if (!(refusal instanceof Refusal) || refusal.status !== 401) throw refusal;
    }
  }

  /** Each try costs the issuer a question, and what comes with it may be made up: it counts as a guess. */
  private async orCounted<T>(exchange: Exchange, signIn: Promise<T>): Promise<T> {
    return await signIn.catch(async (refusal: unknown) => {
      if (refusal instanceof Refusal && refusal.status === 401) raise(await this.failed.count(exchange));
      throw refusal;
    });
  }

  private signIn(): SignIn {
    const { signIn } = this.store.current.access;
    if (signIn !== null) return signIn;
    throw new Refusal('not_configured', 'Sign-in by an issuer needs auth.oauth2 with login.enabled.');
  }

  private async open(exchange: Exchange, res: Response, principal: Principal): Promise<void> {
    const { session } = this.store.current.access.lifetimes;
    const token = await this.tokens.openSession(this.ownerKey.holderOf(principal), session);
    setCookie(exchange, res, SESSION_COOKIE, token, session);
    res.setHeader('Cache-Control', 'no-store');
  }
}

function shown({ consumer, user, roles }: Principal): object {
  return { name: consumer, user, roles };
}

/** What stands in the address is for this browser and this moment. */
function leadTo(res: Response, url: string): void {
  res.setHeader('Cache-Control', 'no-store');
  res.redirect(303, url);
}

/** Of what the browser sees. A `Host` may be one for HTTP, or be missing, and still be no place to come back to. */
function originOf(exchange: Exchange): string {
  const origin = `${clientIsSecure(exchange) ? 'https' : 'http'}://${exchange.host}`;
  if (URL.canParse(origin)) return origin;
  throw new Refusal('bad_request', 'The Host field is not one that the issuer could send a browser back to.');
}
