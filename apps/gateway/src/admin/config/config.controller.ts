import { Controller, Get, HttpCode, Param, Post, Put, Query, Req, Res, UseGuards } from '@nestjs/common';
import { IsIn, IsInt, Min } from 'class-validator';
import express, { type Request, type Response } from 'express';
import { maskedConfig, maskedYaml } from '#config';
import { Refusal } from '#kernel';
import { ConfigReload } from '../../config-reload.js';
import { Line } from '../../examiner/line.js';
import { type SentDocument } from '../../examiner/messages.js';
import { actorOf } from '../actor.js';
import { AdminGuard } from '../admin.guard.js';
import { mapOf, noBody, readBody, refuseEmpty } from '../body.js';
import { Needs } from '../needs.js';
import { preconditionsOf } from '../preconditions.js';
import { DryRunQuery, PageQuery, readInto } from '../query.js';
import { type Plan, shownVersion, WholeConfig, type WritingAll } from './whole-config.js';

const LARGEST = 8 * 1024 ** 2;
const YAML = ['application/yaml', 'application/x-yaml', 'text/yaml', 'text/x-yaml'];
/** They are read where they are examined. */
const readsDocument = express.raw({
  limit: LARGEST,
  type: [...YAML, 'application/json', 'application/*+json'],
  verify: refuseEmpty,
});

export class FormatQuery {
  @IsIn(['yaml', 'json', ''], { message: 'format is yaml or json' })
  format = '';
}

export class RollbackBody {
  @IsInt({ message: 'version is a number that the history lists' })
  @Min(0, { message: 'version is at least 0, which is before all changes' })
  version: number = NaN;
}

/** The configuration as a whole: what runs, what was, and all of the database's entities at once. */
@Controller('api/admin/config')
@UseGuards(AdminGuard)
export class ConfigController {
  private readonly line = new Line();

  constructor(
    private readonly whole: WholeConfig,
    private readonly config: ConfigReload,
  ) {}

  @Get()
  @Needs('read:config')
  running(@Query() query: object, @Req() req: Request, @Res() res: Response): void {
    const { format } = readInto(FormatQuery, query);
    // The tag is that of the entities, for `If-Match`: the file may have changed since, and there are two formats.
    delete req.headers['if-none-match'];
    const { config } = this.config.running;
    res.setHeader('ETag', `"v${this.config.entitiesVersion}"`);
    res.setHeader('Vary', 'Accept');
    const yaml = format === '' ? req.accepts(['application/json', ...YAML]) !== 'application/json' : format === 'yaml';
    const shown = shownOf(config, yaml);
    res.type(yaml ? 'application/yaml' : 'application/json').send(shown);
  }

  /** Whether it could be put in place of what there is, and what that would change. */
  @Post('validate')
  @Needs('read:config')
  @HttpCode(200)
  async validate(@Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<object> {
    return { valid: true, ...(await this.put(req, res, { ...writingOf(req, {}), dryRun: true })) };
  }

  @Put()
  @Needs('write:config')
  async replace(@Query() query: object, @Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<Plan> {
    const plan = await this.put(req, res, writingOf(req, query));
    res.setHeader('ETag', `"v${plan.version}"`);
    return plan;
  }

  private async put(req: Request, res: Response, writing: WritingAll): Promise<Plan> {
    let isWanted = true;
    res.once('close', () => (isWanted = false));
    const leave = this.line.enter(writing.actor.name);
    try {
      return await this.whole.replace(await documentOf(req, res), writing, () => isWanted);
    } finally {
      leave();
    }
  }

  @Get('history')
  @Needs('read:config')
  async history(@Query() query: object): Promise<object> {
    const { limit, cursor } = readInto(PageQuery, query);
    const versions = await this.whole.history(cursor === undefined ? null : numberIn('cursor', cursor), limit + 1);
    const page = versions.slice(0, limit);
    const nextCursor = versions.length > limit ? String(page.at(-1)?.version ?? '') : null;
    return { items: page.map((version) => shownVersion(version, false)), nextCursor };
  }

  @Get('history/:version')
  @Needs('read:config')
  async version(@Param('version') version: string): Promise<object> {
    return shownVersion(await this.whole.version(numberIn('version', version)), true);
  }

  @Post('rollback')
  @Needs('write:config')
  @HttpCode(200)
  async rollback(
    @Query() query: object,
    @Req() req: Request,
    @Res({ passthrough: true }) res: Response,
  ): Promise<Plan> {
    const writing = writingOf(req, query);
    const { version } = readInto(RollbackBody, await mapOf(req, res, 'A rollback'));
    return await this.whole.rollback(version, writing);
  }
}

type Config = ConfigReload['running']['config'];

/** Of a large configuration it takes seconds, and there may be many who look. */
const shownBefore = new WeakMap<Config, { yaml?: string; json?: string }>();

function shownOf(config: Config, yaml: boolean): string {
  const shown = shownBefore.get(config) ?? {};
  shownBefore.set(config, shown);
  if (yaml) return (shown.yaml ??= maskedYaml(config, { terse: true }));
  return (shown.json ??= JSON.stringify(maskedConfig(config, { terse: true, plain: true })));
}

function writingOf(req: Request, query: object): WritingAll {
  const { dryRun } = readInto(DryRunQuery, query);
  return { actor: actorOf(req), expected: preconditionsOf(req), dryRun };
}

async function documentOf(req: Request, res: Response): Promise<SentDocument> {
  const charset = /;\s*charset="?([^";]+)/i.exec(req.get('content-type') ?? '')?.[1]?.trim();
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    throw new Refusal('unsupported_media_type', `The body is said to be ${JSON.stringify(charset)}: send UTF-8.`);
  }
  await readBody(readsDocument, req, res);
  const body: unknown = req.body;
  if (!(body instanceof Uint8Array)) {
    throw noBody(req, 'send a configuration as application/json or application/yaml');
  }
  return { yaml: typeof req.is(YAML) === 'string', bytes: body };
}

function numberIn(path: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const message = `${path} is a whole number`;
  throw new Refusal('validation_failed', `${message}.`, undefined, [{ path, message }]);
}
