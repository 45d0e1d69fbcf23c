import {
  Controller,
  Delete,
  Get,
  Inject,
  Param,
  Patch,
  Post,
  Put,
  Query,
  Req,
  Res,
  type Type,
  UseGuards,
} from '@nestjs/common';
import { type Request, type Response } from 'express';
import { type EntityKind, entityNoun } from '#config';
import { Refusal } from '#kernel';
import { actorOf } from '../actor.js';
import { AdminGuard } from '../admin.guard.js';
import { Needs } from '../needs.js';
import { mapOf } from '../body.js';
import { type Page } from '../page.js';
import { preconditionsOf } from '../preconditions.js';
import { DryRunQuery, PageQuery, readInto, unknownField } from '../query.js';
import { type EntityResource, type Item, type Shown, type Writing } from './entity-resource.js';
import { FILTERS } from './filters.js';

export function resourceToken(kind: EntityKind): string {
  return `entities of ${kind}`;
}

/** The operations on one kind of entity; they differ in what they are about, never in how they work. */
export function entityController(kind: EntityKind): Type<unknown> {
  const noun = entityNoun(kind);
  const what = `${/^[aeiou]/i.test(noun) ? 'An' : 'A'} ${noun}`;

  @Controller(`api/admin/${kind}`)
  @UseGuards(AdminGuard)
  class EntityController {
    constructor(@Inject(resourceToken(kind)) private readonly resource: EntityResource) {}

    @Get()
    @Needs(`read:${kind}`)
    list(@Query() query: Readonly<Record<string, unknown>>): Page<Item> {
      const { limit, cursor, ...filters } = query;
      const page = readInto(PageQuery, {
        ...(limit !== undefined && { limit }),
        ...(cursor !== undefined && { cursor }),
      });
      return this.resource.list(page, filtersIn(kind, filters));
    }

    @Post()
    @Needs(`write:${kind}`)
    async create(
      @Query() query: object,
      @Req() req: Request,
      @Res({ passthrough: true }) res: Response,
    ): Promise<Item> {
      const writing = writingOf(req, query);
      const written = await this.resource.create(await mapOf(req, res, what), writing);
      if (writing.dryRun) res.status(200);
      else res.location(`/api/admin/${kind}/${written.item.name}`);
      return show(written, res);
    }

    @Get(':name')
    @Needs(`read:${kind}`)
    get(@Param('name') name: string, @Res({ passthrough: true }) res: Response): Item {
      return show(this.resource.get(name), res);
    }

    @Put(':name')
    @Needs(`write:${kind}`)
    async replace(
      @Param('name') name: string,
      @Query() query: object,
      @Req() req: Request,
      @Res({ passthrough: true }) res: Response,
    ): Promise<Item> {
      const writing = writingOf(req, query);
      const written = await this.resource.replace(name, await mapOf(req, res, what), writing);
      if (written.created && !writing.dryRun) res.status(201).location(`/api/admin/${kind}/${name}`);
      return show(written, res);
    }

    @Patch(':name')
    @Needs(`write:${kind}`)
    async patch(
      @Param('name') name: string,
      @Query() query: object,
      @Req() req: Request,
      @Res({ passthrough: true }) res: Response,
    ): Promise<Item> {
      return show(await this.resource.patch(name, await mapOf(req, res, 'A patch'), writingOf(req, query)), res);
    }

    @Delete(':name')
    @Needs(`write:${kind}`)
    async remove(
      @Param('name') name: string,
      @Query() query: object,
      @Req() req: Request,
      @Res({ passthrough: true }) res: Response,
    ): Promise<void> {
      await this.resource.remove(name, writingOf(req, query));
      res.status(204);
    }
  }

  Object.defineProperty(EntityController, 'name', { value: `${kind} controller` });
  return EntityController;
}

function show({ item, etag }: Shown, res: Response): Item {
  res.setHeader('ETag', etag);
  return item;
}

function writingOf(req: Request, query: object): Writing {
  const { dryRun } = readInto(DryRunQuery, query);
  return { actor: actorOf(req), expected: preconditionsOf(req), dryRun };
}

function filtersIn(kind: EntityKind, given: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const known = Object.keys(FILTERS[kind]);
  const errors = Object.entries(given).flatMap(([name, value]) => {
    if (!known.includes(name)) return [unknownField(name, ['limit', 'cursor', ...known])];
    return typeof value === 'string' ? [] : [{ path: name, message: `${name} is said once` }];
  });
  if (errors.length === 0) return given as Readonly<Record<string, string>>;
  throw new Refusal('validation_failed', `${errors.map(({ message }) => message).join('; ')}.`, undefined, errors);
}
