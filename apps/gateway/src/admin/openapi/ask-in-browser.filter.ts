import { type ArgumentsHost, Catch, type ExceptionFilter, Injectable } from '@nestjs/common';
import { type Request, type Response } from 'express';
import { SnapshotStore } from '#gateway';
import { Refusal } from '#kernel';
import { exchangeOf } from '../../reserved-paths.js';
import { ReservedProblemFilter } from '../problem.filter.js';
import { sendPage } from './docs-page.js';

/** Who asks for a page and is not known yet gets it with the 401, and can sign in there. */
@Catch()
@Injectable()
export class AskInBrowserFilter implements ExceptionFilter {
  private readonly problems = new ReservedProblemFilter();

  constructor(private readonly store: SnapshotStore) {}

  async catch(thrown: unknown, host: ArgumentsHost): Promise<void> {
    const http = host.switchToHttp();
    const [req, res] = [http.getRequest<Request>(), http.getResponse<Response>()];
    const wantsPage = req.accepts(['application/problem+json', 'text/html']) === 'text/html';
    if (!(thrown instanceof Refusal) || thrown.status !== 401 || !wantsPage) {
      this.problems.catch(thrown, host);
      return;
    }
    exchangeOf(req).errorCode = thrown.code;
    for (const [name, value] of Object.entries(thrown.headers ?? {})) res.setHeader(name, value);
    res.vary('Accept').status(401);
    await sendPage(res, 'index.html', this.store.current.access.signIn === null ? '' : 'issuer');
  }
}
