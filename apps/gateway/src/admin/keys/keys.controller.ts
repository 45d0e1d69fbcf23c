import { Controller, Delete, Get, HttpCode, Param, Post, Query, Req, Res, UseGuards } from '@nestjs/common';
import { type Request, type Response } from 'express';
import { type EntityManager } from 'typeorm';
import { declaredCredential } from '#auth';
import { type ConsumerConfig, nearest } from '#config';
import { Refusal } from '#kernel';
import { type ConsumerKey, ConsumerKeys } from '#storage';
import { ConfigReload } from '../../config-reload.js';
import { type Change, ConfigChanges } from '../../dynamic/config-changes.js';
import { actorOf } from '../actor.js';
import { AdminGuard } from '../admin.guard.js';
import { asked } from '../asked.js';
import { mapOf } from '../body.js';
import { Needs } from '../needs.js';
import { type Page, pageBy } from '../page.js';
import { PageQuery, readInto } from '../query.js';
import { endOf, endOfRotated, KeyBody, millisecondsOf, RotationBody } from './key-body.js';

type MadeKey = ConsumerKey & { readonly key: string };

/** A key as it is listed. Of one that the file declares nothing is known but its hash. */
interface ShownKey extends Omit<ConsumerKey, 'createdAt'> {
  readonly createdAt: Date | null;
  readonly source: 'api' | 'file';
}

/** So many characters of a hash are enough to find it in the file. */
const SHOWN_OF_HASH = 'sha256:'.length + 12;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The API keys of a consumer. A key is shown when it is made, and never again. */
@Controller('api/admin/consumers/:name/keys')
@UseGuards(AdminGuard)
export class KeysController {
  constructor(
    private readonly keys: ConsumerKeys,
    private readonly changes: ConfigChanges,
    private readonly config: ConfigReload,
  ) {}

  @Get()
  @Needs('read:consumers')
  async list(@Param('name') consumer: string, @Query() query: object): Promise<Page<ShownKey>> {
    const page = readInto(PageQuery, query);
    const declared = this.declared(consumer);
    if (declared !== undefined) return pageBy(declared.apiKeys.map(shownOfFile), ({ id }) => id, page);
    const keys = await asked(this.keys.list(consumer), 'The database that knows the keys cannot be reached now.');
    if (keys === null) throw this.noConsumer(consumer);
    return pageBy(keys.map(shownOfDatabase), ({ id }) => id, page);
  }

  @Post()
  @Needs('write:keys')
  async create(
    @Param('name') consumer: string,
    @Req() req: Request,
    @Res({ passthrough: true }) res: Response,
  ): Promise<MadeKey> {
    const hasBody = req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
    const { name, scopes, ...when } = readInto(KeyBody, hasBody ? await mapOf(req, res, 'A key') : {});
    const expiresAt = endOf(when);
    return await this.make(consumer, req, res, 'create key', async (manager) => {
      const made = await this.keys.create(manager, consumer, { name, scopes, expiresAt });
      if (made === null) throw this.noConsumer(consumer);
      return { made, changes: [created(consumer, made)] };
    });
  }

  /** A new key in place of this one, which works on for a while, so that nobody has to change at that very moment. */
  @Post(':id/rotate')
  @Needs('write:keys')
  async rotate(
    @Param('name') consumer: string,
    @Param('id') id: string,
    @Req() req: Request,
    @Res({ passthrough: true }) res: Response,
  ): Promise<MadeKey> {
    const hasBody = req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
    const rotation = readInto(RotationBody, hasBody ? await mapOf(req, res, 'A rotation') : {});
    return await this.make(consumer, req, res, 'rotate key', async (manager) => {
      const before = await this.existing(manager, consumer, id);
      const expiresAt = endOfRotated(rotation, await this.keys.lifetime(manager, id));
      await this.keys.expireWithin(manager, id, millisecondsOf(rotation.overlap));
      const after = await this.keys.find(manager, consumer, id);
      const made = await this.keys.create(manager, consumer, { name: before.name, scopes: before.scopes, expiresAt });
      if (made === null) throw this.noConsumer(consumer);
      const ended: Change = { kind: 'keys', name: `${consumer}/${id}`, before: { ...before }, after: { ...after } };
      return { made, changes: [ended, created(consumer, made)] };
    });
  }

  @Delete(':id')
  @Needs('write:keys')
  @HttpCode(204)
  async revoke(@Param('name') consumer: string, @Param('id') id: string, @Req() req: Request): Promise<void> {
    await this.changes.change({
      actor: actorOf(req),
      action: 'revoke key',
      decide: async (_, manager): Promise<Change[]> => {
        const before = await this.existing(manager, consumer, id);
        await this.keys.revoke(manager, id);
        return [{ kind: 'keys', name: `${consumer}/${id}`, before: { ...before }, after: null }];
      },
    });
  }

  private async make(
    consumer: string,
    req: Request,
    res: Response,
    action: string,
    work: (manager: EntityManager) => Promise<{ made: MadeKey; changes: readonly Change[] }>,
  ): Promise<MadeKey> {
    if (this.declared(consumer) !== undefined) throw this.noConsumer(consumer);
    let key: MadeKey | undefined;
    await this.changes.change({
      actor: actorOf(req),
      action,
      decide: async (_, manager) => {
        const { made, changes } = await work(manager);
        key = made;
        return changes;
      },
    });
    if (key === undefined) throw this.noConsumer(consumer);
    res.location(`/api/admin/consumers/${consumer}/keys/${key.id}`);
    res.setHeader('Cache-Control', 'no-store');
    return key;
  }

  private async existing(manager: EntityManager, consumer: string, id: string): Promise<ConsumerKey> {
    const key = UUID.test(id) ? await this.keys.find(manager, consumer, id) : null;
    if (key !== null) return key;
    if (this.declared(consumer) !== undefined || !this.consumers().includes(consumer)) throw this.noConsumer(consumer);
    throw new Refusal('not_found', `The consumer ${consumer} has no key ${JSON.stringify(id)}.`);
  }

  private declared(consumer: string): ConsumerConfig | undefined {
    return this.config.declaredInFile.config.auth.consumers.find(({ name }) => name === consumer);
  }

  private consumers(): string[] {
    return this.config.running.config.auth.consumers.map(({ name }) => name);
  }

  private noConsumer(consumer: string): Refusal {
    if (this.declared(consumer) === undefined) {
      const near = nearest(consumer, this.consumers());
      return new Refusal(
        'not_found',
        `There is no consumer ${JSON.stringify(consumer)}.${near === undefined ? '' : ` Did you mean ${near}?`}`,
      );
    }
    return new Refusal(
      'declared_in_file',
      `The consumer ${consumer} is declared in the configuration file, and its keys are too: add the hash of one there.`,
    );
  }
}

function shownOfDatabase(key: ConsumerKey): ShownKey {
  return { ...key, source: 'api' };
}

/** By the id that upstreams and the log know it by. */
function shownOfFile({ hash }: ConsumerConfig['apiKeys'][number]): ShownKey {
  return {
    id: declaredCredential(hash),
    name: 'declared',
    prefix: hash.slice(0, SHOWN_OF_HASH),
    scopes: [],
    createdAt: null,
    expiresAt: null,
    lastUsedAt: null,
    source: 'file',
  };
}

/** What the audit log may know of it. */
function created(consumer: string, { key: _, ...shown }: MadeKey): Change {
  return { kind: 'keys', name: `${consumer}/${shown.id}`, before: null, after: shown };
}
