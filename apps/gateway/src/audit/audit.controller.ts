import { once } from 'node:events';
import { Controller, Get, Query, Res, UseGuards } from '@nestjs/common';
import { type Response } from 'express';
import { AuditLog, type ChainedEntry } from '#storage';
import { AdminGuard } from '../admin/admin.guard.js';
import { asked } from '../admin/asked.js';
import { Needs } from '../admin/needs.js';
import { readInto } from '../admin/query.js';
import { AuditPageQuery, AuditQuery, filterOf, VerifyQuery } from './audit-query.js';

/** It goes over all that there is. */
const VERIFIED_WITHIN_MS = 300_000;

/** The audit log: who did what, and whether all of it is still as it was written. */
@Controller('api/admin/audit')
@UseGuards(AdminGuard)
export class AuditController {
  constructor(private readonly log: AuditLog) {}

  /** The newest first; `nextCursor` leads to those before. */
  @Get()
  @Needs('read:audit')
  async list(@Query() query: object) {
    const page = readInto(AuditPageQuery, query);
    const { limit } = page;
    const entries = await this.ask(this.log.list(filterOf(page), limit + 1));
    const items = entries.slice(0, limit);
    return { items: items.map(shown), nextCursor: entries.length > limit ? String(items.at(-1)?.seq ?? 0) : null };
  }

  /** `expect=SEQ:HASH`, as an earlier answer named the head: also says whether the log was cut off or written anew. */
  @Get('verify')
  @Needs('read:audit')
  async verify(@Query() query: object) {
    const [seq, hash] = readInto(VerifyQuery, query).expect?.split(':') ?? [];
    const verification = await this.ask(this.log.verify(), VERIFIED_WITHIN_MS);
    if (seq === undefined || !verification.ok) return verification;
    if ((await this.ask(this.log.hashAt(Number(seq)))) === hash) return verification;
    const reason = 'the entry is not the one that was expected, or is there no more';
    return { ...verification, ok: false, brokenAt: { seq: Number(seq), reason } };
  }

  /** One entry a line, the oldest first, with the hashes that chain them. */
  @Get('export')
  @Needs('read:audit')
  async export(@Query() query: object, @Res() res: Response): Promise<void> {
    const pages = this.log.pages(filterOf(readInto(AuditQuery, query)));
    const first = await this.ask(pages.next());
    res.setHeader('Content-Type', 'application/x-ndjson');
    res.setHeader('Content-Disposition', 'attachment; filename="aegis-audit.ndjson"');
    for (let page = first; page.done !== true && !res.destroyed; page = await pages.next()) {
      const lines = page.value.map((entry) => `${JSON.stringify(shown(entry))}\n`).join('');
      if (!res.write(lines)) await Promise.race([once(res, 'drain'), once(res, 'close')]);
    }
    res.end();
  }

  private async ask<T>(answer: Promise<T>, patience?: number): Promise<T> {
    return await asked(answer, 'The database with the audit log cannot be asked now.', patience);
  }
}

function shown({ seq, hash, ...entry }: ChainedEntry) {
  return { seq, ...entry, hash: hash.toString('hex') };
}
