import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { admits, type Exchange } from '#kernel';
import { FailedCredentials } from './failed-credentials.js';

/** Lower-case names of the headers that carry credentials. */
export type CredentialHeaders = () => readonly string[];
export const CREDENTIAL_HEADERS = Symbol('CREDENTIAL_HEADERS');

/** Refuses to look at another credential from an address that sent too many wrong ones. Who sends none may pass. */
@Injectable()
export class AddressGuard implements CanActivate {
  constructor(
    private readonly failed: FailedCredentials,
    @Inject(CREDENTIAL_HEADERS) private readonly credentialHeaders: CredentialHeaders,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const exchange = context.getArgByIndex<Exchange>(0);
    const { headers } = exchange.req;
    if (!this.credentialHeaders().some((name) => headers[name] !== undefined)) return true;
    return admits(exchange, this.failed.refusal(exchange));
  }
}
