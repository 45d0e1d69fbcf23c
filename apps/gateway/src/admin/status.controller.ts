import { Controller, Get, HttpCode, Inject, Post, Query, UseGuards } from '@nestjs/common';
import { mistakeLine } from '#config';
import { explainRequest, SnapshotStore } from '#gateway';
import { Refusal } from '#kernel';
import { Health, RequestRecorder } from '#monitoring';
import { Instance, InstanceRegistry } from '#storage';
import { ConfigReload } from '../config-reload.js';
import { ConfigFollower } from '../dynamic/config-follower.js';
import { AdminGuard } from './admin.guard.js';
import { ExplainQuery, headersOf } from './explain-query.js';
import { Needs } from './needs.js';
import { RESERVED } from '../reserved-paths.js';
import { Operations } from './operations.js';
import { readInto } from './query.js';
import { VERSION } from '../version.js';
import { WorkerLink } from '../workers/worker-link.js';

/** What runs here: for `aegis status` and the person on call. */
@Controller('_aegis')
@UseGuards(AdminGuard)
export class StatusController {
  constructor(
    private readonly store: SnapshotStore,
    private readonly config: ConfigReload,
    private readonly follower: ConfigFollower,
    private readonly health: Health,
    private readonly recorder: RequestRecorder,
    private readonly instances: InstanceRegistry,
    private readonly operations: Operations,
    @Inject(RESERVED) private readonly reserved: (path: string) => boolean,
    @Inject(WorkerLink) private readonly link: WorkerLink | null,
  ) {}

  @Get('status')
  @Needs('read:status')
  async status() {
    // What has to be waited for comes first: the rest is of one moment.
    const health = await this.health.report();
    const instances = await this.instances.list().catch((): Instance[] => []);
    const { version, hash, loadedAt, routes, upstreams } = this.store.current;
    const { last } = this.config;
    const others = this.link?.workers.filter(({ number }) => number !== this.link?.number) ?? [];
    return {
      version: VERSION,
      node: process.version,
      pid: process.pid,
      health,
      config: {
        version,
        hash,
        loadedAt: new Date(loadedAt).toISOString(),
        routes: routes.routes.length,
        upstreams: upstreams.size,
        entities: {
          version: this.config.entitiesVersion,
          heardAt: this.follower.heardAt === null ? null : new Date(this.follower.heardAt).toISOString(),
          leftOut: this.config.running.leftOut.map(({ entity: { kind, name }, mistakes }) => ({
            kind,
            name,
            mistakes,
          })),
        },
        lastReload: { at: new Date(last.at).toISOString(), ok: last.ok, mistakes: last.mistakes },
      },
      requests: this.recorder.recorded + others.reduce((sum, { requests }) => sum + requests, 0),
      memory: process.memoryUsage.rss(),
      // Of the others, what they said within the last second or two.
      workers: this.link?.workers ?? [],
      instances,
    };
  }

  @Get('routes')
  @Needs('read:routes')
  routes() {
    const items = this.store.current.routes.routes.map(({ route }) => ({
      name: route.name,
      hosts: route.hosts,
      path: route.path,
      methods: route.methods,
      priority: route.priority,
    }));
    return { items };
  }

  /** What can be done here, and what each needs: for whoever writes roles. */
  @Get('operations')
  @Needs('read:status')
  listOperations() {
    return { items: this.operations.list() };
  }

  /** `header`, as often as needed: `name: value`. */
  @Get('explain')
  @Needs('read:routes')
  explain(@Query() query: object) {
    const asked = readInto(ExplainQuery, query);
    const { method, url } = asked;
    const headers = headersOf(asked);
    const snapshot = this.store.current;
    const explained = explainRequest(snapshot, method, url, headers);
    if (this.reserved(explained.path)) return { ...explained, ...this.explainReserved(explained) };
    const won = snapshot.routes.routes.find(({ route }) => route.name === explained.route);
    const access = won?.route.access.explain(explained.method, explained.path) ?? null;
    const limits = won ? snapshot.rules.explain({ ...explained, route: won.route.name, headers }) : [];
    return { ...explained, reserved: false, access, limits };
  }

  /** No route is asked about a path of ours; what it needs is what its operation says. */
  private explainReserved({ method, path }: { readonly method: string; readonly path: string }) {
    const operation = this.operations.find(method, path);
    const access =
      operation === null ? null : { operation: `${operation.method} ${operation.path}`, needs: operation.needs };
    return { reserved: true, outcome: 'reserved', route: null, allow: [], params: {}, routes: [], access };
  }

  @Post('reload')
  @Needs('write:config')
  @HttpCode(200)
  async reload() {
    const outcome = await this.config.reload();
    await this.link?.reloadOthers();
    if (outcome.ok) return { version: outcome.version };
    throw new Refusal(
      'validation_failed',
      'The configuration file is not valid; what was served goes on.',
      undefined,
      outcome.mistakes.map((mistake) => ({ path: mistake.path, message: mistakeLine(mistake) })),
    );
  }
}
