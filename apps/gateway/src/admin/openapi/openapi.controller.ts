import { Controller, Get, Res, UseFilters, UseGuards } from '@nestjs/common';
import { type Response } from 'express';
import { ConfigReload } from '../../config-reload.js';
import { VERSION } from '../../version.js';
import { AdminGuard } from '../admin.guard.js';
import { Needs } from '../needs.js';
import { Operations } from '../operations.js';
import { AskInBrowserFilter } from './ask-in-browser.filter.js';
import { sendPage } from './docs-page.js';

/** What can be done here, for programs and, as a page, for people. */
@Controller('api/admin')
@UseGuards(AdminGuard)
export class OpenApiController {
  /** Made when it is asked for first: nothing of it changes while the process runs. */
  private document: Promise<string> | undefined;

  constructor(
    private readonly operations: Operations,
    private readonly config: ConfigReload,
  ) {}

  @Get('openapi.json')
  @Needs('a credential')
  async openapi(@Res() res: Response): Promise<void> {
    this.document ??= this.write();
    res.setHeader('Cache-Control', 'no-cache');
    res.type('application/json').send(await this.document);
  }

  /** Whoever comes with a browser and no credential gets the page too, with 401: it asks for a key. */
  @Get('docs')
  @Needs('a credential')
  @UseFilters(AskInBrowserFilter)
  async docs(@Res() res: Response): Promise<void> {
    await sendPage(res, 'index.html');
  }

  @Get('docs/page.js')
  @Needs('nothing')
  async script(@Res() res: Response): Promise<void> {
    await sendPage(res, 'page.mjs');
  }

  @Get('docs/page.css')
  @Needs('nothing')
  async style(@Res() res: Response): Promise<void> {
    await sendPage(res, 'page.css');
  }

  private async write(): Promise<string> {
    const { openApiDocument } = await import('./document.js');
    const { path } = this.config.running.config.monitoring.prometheus;
    return JSON.stringify(openApiDocument({ version: VERSION, operations: this.operations.list(), metricsPath: path }));
  }
}
