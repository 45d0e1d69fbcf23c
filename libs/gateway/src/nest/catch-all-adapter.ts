import { type Server } from 'node:http';
import { ExpressAdapter } from '@nestjs/platform-express';
import { type Exchange } from '#kernel';

/** What Nest built around `ProxyController.forward`: guards, controller and filters, ready to be called. */
export type CatchAllHandler = (exchange: Exchange, response: unknown, next: () => void) => unknown;

const CATCH_ALL = '/*path';

/**
 * Express serves the reserved paths. The catch-all controller does not go through its router: the function that Nest
 * registers for it is kept here, and the front door calls it. That saves a router, two prototype swaps and a dozen closures
 * per proxied request (ADR 1).
 */
export class CatchAllAdapter extends ExpressAdapter {
  private captured: CatchAllHandler | undefined;

  constructor(private readonly makeServer: (reserved: (req: never, res: never) => void) => Server) {
    super();
  }

  get catchAll(): CatchAllHandler {
    if (!this.captured) throw new Error(`No controller is registered for ${CATCH_ALL}: is the GatewayModule imported?`);
    return this.captured;
  }

  override initHttpServer(): void {
    this.httpServer = this.makeServer(this.getInstance());
  }

  override all(path: unknown, handler?: unknown): unknown {
    if (path === CATCH_ALL) {
      this.captured = handler as CatchAllHandler;
      return this;
    }
    return super.all(path as string, handler as never);
  }

  /** Nest sets 200 before the controller runs; what a proxied exchange answers with is decided later. */
  override status(response: { statusCode: number }, statusCode: number): unknown {
    response.statusCode = statusCode;
    return response;
  }
}
