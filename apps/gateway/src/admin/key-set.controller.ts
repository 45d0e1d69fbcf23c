import { Controller, Get, Header, Res, UseGuards } from '@nestjs/common';
import { type Response } from 'express';
import { IdentityKeys } from '#auth';
import { AdminGuard } from './admin.guard.js';
import { Needs } from './needs.js';

/** A new key is here for twice as long before anything is signed with it. */
const KEPT_S = 300;

/** The keys with which upstreams verify who is calling. They are public, and upstreams have no credential of ours. */
@Controller('_aegis')
@UseGuards(AdminGuard)
export class KeySetController {
  constructor(private readonly keys: IdentityKeys) {}

  @Get('jwks.json')
  @Needs('nothing')
  @Header('Content-Type', 'application/jwk-set+json')
  async keySet(@Res({ passthrough: true }) res: Response): Promise<object> {
    const keys = await this.keys.published();
    // Nobody should remember for long that there were none.
    res.setHeader('Cache-Control', keys.length === 0 ? 'no-store' : `public, max-age=${KEPT_S}`);
    return { keys };
  }
}
