import { once } from 'node:events';
import { Controller, Get, Query, Res, UseGuards } from '@nestjs/common';
import { type Response } from 'express';
import { type FieldError, Refusal } from '#kernel';
import { type AuditFilter, AuditLog, type ChainedEntry } from '#storage';
import { AdminGuard } from '../admin/admin.guard.js';
import { Needs } from '../admin/needs.js';

const DEFAULT_LIMIT = 50;
const MOST = 500;

interface AuditQuery {
  readonly actor?: unknown;
  readonly entity?: unknown;
  readonly from?: unknown;
  readonly to?: unknown;
  readonly cursor?: unknown;
  readonly limit?: unknown;
}

/** The audit log: who did what, and whether all of it is still as it was written. */
@Controller('api/admin/audit')
@UseGuards(AdminGuard)
export class AuditController {
  constructor(private readonly log: AuditLog) {}

  /** The newest first; `nextCursor` leads to those before. */
  @Get()
  @Needs('read:audit')
  async list(@Query() query: AuditQuery) {
    const { filter, limit } = read(query);
    const entries = await this.ask(this.log.list(filter, limit + 1));
    const items = entries.slice(0, limit);
    return { items: items.map(shown), nextCursor: entries.length > limit ? String(items.at(-1)?.seq ?? 0) : null };
  }

  /** `expect=SEQ:HASH`, as an earlier answer named the head: also says whether the log was cut off or written anew. */
  @Get('verify')
  @Needs('read:audit')
  async verify(@Query('expect') expect?: unknown) {
    const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(typeof expect === 'string' ? expect : '') ?? [];
    if (expect !== undefined && seq === undefined) {
      throw refusal([{ path: 'expect', message: 'is written SEQ:HASH, as head of an earlier answer names them' }]);
    }
    const verification = await this.ask(this.log.verify());
    if (seq === undefined || !verification.ok) return verification;
    if ((await this.ask(this.log.hashAt(Number(seq)))) === hash) return verification;
    const reason = 'the entry is not the one that was expected, or is there no more';
    return { ...verification, ok: false, brokenAt: { seq: Number(seq), reason } };
  }

  /** One entry a line, the oldest first, with the hashes that chain them. */
  @Get('export')
  @Needs('read:audit')
  async export(@Query() query: AuditQuery, @Res() res: Response): Promise<void> {
    const pages = this.log.pages(read(query).filter);
    const first = await this.ask(pages.next());
    res.setHeader('Content-Type', 'application/x-ndjson');
    res.setHeader('Content-Disposition', 'attachment; filename="aegis-audit.ndjson"');
    for (let page = first; page.done !== true && !res.destroyed; page = await pages.next()) {
      const lines = page.value.map((entry) => `${JSON.stringify(shown(entry))}\n`).join('');
      if (!res.write(lines)) await Promise.race([once(res, 'drain'), once(res, 'close')]);
    }
    res.end();
  }

  private async ask<T>(answer: Promise<T>): Promise<T> {
    return await answer.catch(() => {
      throw new Refusal('store_unavailable', 'The database with the audit log cannot be asked now.');
    });
  }
}

function shown({ seq, hash, ...entry }: ChainedEntry) {
  return { seq, ...entry, hash: hash.toString('hex') };
}

function read(query: AuditQuery): { filter: AuditFilter; limit: number } {
  const errors: FieldError[] = [];
  const text = (path: 'actor' | 'entity'): string | undefined => {
    const value = query[path];
    if (value === undefined || typeof value === 'string') return value;
    errors.push({ path, message: 'may be there once only' });
    return undefined;
  };
  const date = (path: 'from' | 'to'): Date | undefined => {
    const value = query[path];
    if (value === undefined) return undefined;
    const at = typeof value === 'string' && /^\d{4}-\d\d-\d\d/.test(value) ? new Date(value) : null;
    if (at !== null && !Number.isNaN(at.getTime())) return at;
    errors.push({ path, message: 'is not a date such as 2026-01-31 or 2026-01-31T12:00:00Z' });
    return undefined;
  };
  const whole = (path: 'cursor' | 'limit', most: number): number | undefined => {
    const value = query[path];
    if (value === undefined) return undefined;
    const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : 0;
    if (number >= 1 && number <= most) return number;
    errors.push({ path, message: path === 'limit' ? `is not a number from 1 to ${most}` : 'is not one of ours' });
    return undefined;
  };
  const filter: AuditFilter = {
    actor: text('actor'),
    entity: text('entity'),
    from: date('from'),
    to: date('to'),
    before: whole('cursor', Number.MAX_SAFE_INTEGER),
  };
  const limit = whole('limit', MOST) ?? DEFAULT_LIMIT;
  if (errors.length > 0) throw refusal(errors);
  return { filter, limit };
}

function refusal(errors: readonly FieldError[]): Refusal {
  return new Refusal('validation_failed', 'The query does not validate.', undefined, errors);
}
