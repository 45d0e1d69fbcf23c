import { createServer, type Server } from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';
import { freePort } from '#testing';

export const CLIENT = { id: 'aegis', secret: 'the-secret-of-aegis' };

/** Whoever signs in there, by what they call themselves. */
export interface Account {
  readonly groups?: readonly string[];
  readonly email?: string;
}

/** A real provider of identities, with pages where people sign in and consent. */
export class Issuer {
  readonly url: string;
  readonly asked: string[] = [];
  private server: Server | undefined;
  private handle: ReturnType<Provider['callback']> | undefined;

  private constructor(private readonly port: number) {
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Where it will be. It needs to know its clients before it is there, and they where it is. */
  static async announce(): Promise<Issuer> {
    return new Issuer(await freePort());
  }

  async start(redirects: readonly string[], accounts: Readonly<Record<string, Account>>): Promise<void> {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true });
    const provider = new Provider(this.url, {
      clients: [
        {
          client_id: CLIENT.id,
          client_secret: CLIENT.secret,
          grant_types: ['authorization_code'],
          response_types: ['code'],
          redirect_uris: [...redirects],
        },
      ],
      jwks: { keys: [{ ...(await exportJWK(privateKey)), use: 'sig', alg: 'RS256' }] },
      cookies: { keys: ['of-this-test'] },
      pkce: { required: () => true },
      scopes: ['openid', 'email', 'groups'],
      claims: { openid: ['sub'], email: ['email', 'email_verified'], groups: ['groups'] },
      features: { devInteractions: { enabled: true } },
      findAccount: (_context, sub) => {
        const { groups = [], email } = accounts[sub] ?? {};
        const claims = { sub, groups: [...groups], ...(email !== undefined && { email, email_verified: true }) };
        return { accountId: sub, claims: () => claims };
      },
    });
    this.handle = provider.callback();
    await this.listen();
  }

  async listen(): Promise<void> {
    this.server = createServer((req, res) => {
      this.asked.push(req.url ?? '');
      void this.handle?.(req, res);
    });
    await new Promise<void>((resolve) => this.server?.listen(this.port, '127.0.0.1', resolve));
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((resolve) => this.server?.close(resolve));
  }

  count(path: string): number {
    return this.asked.filter((each) => each.startsWith(path)).length;
  }
}
