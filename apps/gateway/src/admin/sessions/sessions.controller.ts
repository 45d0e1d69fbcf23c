import { Controller, Delete, Get, HttpCode, Param, Query, Req, UseGuards } from '@nestjs/common';
import { type Request } from 'express';
import { type GivenSession, type Session, Sessions, shown, type Whose } from '#auth';
import { SnapshotStore } from '#gateway';
import { Refusal } from '#kernel';
import { type Change, ConfigChanges } from '../../dynamic/config-changes.js';
import { actorOf } from '../actor.js';
import { AdminGuard } from '../admin.guard.js';
import { asked } from '../asked.js';
import { Needs } from '../needs.js';
import { OwnerKey } from '../owner-key.js';
import { type Page } from '../page.js';
import { readInto } from '../query.js';
import { SESSION_ID, SessionsQuery, WhoseQuery } from './sessions-query.js';

/** In one entry of the audit log. */
const MOST_TOLD = 20;

/** Who is signed in, and how others end that. */
@Controller('api/admin/sessions')
@UseGuards(AdminGuard)
export class SessionsController {
  constructor(
    private readonly sessions: Sessions,
    private readonly changes: ConfigChanges,
    private readonly store: SnapshotStore,
    private readonly ownerKey: OwnerKey,
  ) {}

  @Get()
  @Needs('read:sessions')
  async list(@Query() query: object): Promise<Page<Session>> {
    const { limit, cursor = null, ...whose } = readInto(SessionsQuery, query);
    const found = await asked(
      this.sessions.list(whose, limit + 1, cursor),
      'The database that knows the sessions cannot be reached now.',
    );
    const page = found.slice(0, limit);
    const items = page.flatMap((session) => this.now(session) ?? []).map(shown);
    return { items, nextCursor: found.length > limit ? (page.at(-1)?.id ?? null) : null };
  }

  /** null: nobody gets in with it any more, though nobody has ended it. */
  private now(session: GivenSession): GivenSession | null {
    return this.ownerKey.stillGave(session.credential) ? this.store.current.access.admin.sessionNow(session) : null;
  }

  @Delete(':id')
  @Needs('write:sessions')
  @HttpCode(204)
  async end(@Param('id') id: string, @Req() req: Request): Promise<void> {
    const ended = SESSION_ID.test(id) ? await this.endThose({ id }, id, req) : 0;
    if (ended === 0) throw new Refusal('not_found', `There is no session ${JSON.stringify(id)}, or it has ended.`);
  }

  /** All sessions of a consumer, or of a person at the issuer. */
  @Delete()
  @Needs('write:sessions')
  async endAll(@Query() query: object, @Req() req: Request): Promise<{ ended: number }> {
    const whose = readInto(WhoseQuery, query);
    const whom = whose.consumer ?? whose.user;
    if (whom === undefined) {
      const message = 'consumer or user says whose sessions end';
      throw new Refusal('validation_failed', `${message}.`, undefined, [{ path: 'consumer', message }]);
    }
    return { ended: await this.endThose(whose, whom, req) };
  }

  private async endThose(whose: Whose, name: string, req: Request): Promise<number> {
    let count = 0;
    await this.changes.change({
      actor: actorOf(req),
      action: 'end sessions',
      decide: async (_, manager): Promise<Change[]> => {
        const { ended, first } = await this.sessions.end(manager, whose, MOST_TOLD);
        count = ended;
        return ended === 0 ? [] : [{ kind: 'sessions', name, before: { ended, sessions: first }, after: null }];
      },
    });
    return count;
  }
}
