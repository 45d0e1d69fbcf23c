import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import { LimitRecorder, readQuestion, RequestRecorder, startsOf, stepOf } from '#monitoring';
import { LimitRows } from '#storage';
import { AdminGuard } from './admin.guard.js';
import { asked } from './asked.js';
import { Needs } from './needs.js';

/** What the limits of all instances said, from the rows that they wrote. */
@Controller('api/metrics')
@UseGuards(AdminGuard)
export class LimitMetricsController {
  constructor(
    private readonly rows: LimitRows,
    private readonly recorder: LimitRecorder,
    private readonly records: RequestRecorder,
  ) {}

  @Get('rate-limit-usage')
  @Needs('read:metrics')
  async usage(@Query() query: Record<string, unknown>) {
    const question = readQuestion(query, ['rule', 'key', 'consumer'], Date.now());
    const { rule, key, consumer } = question.filters;
    // What was asked a moment ago is in the answer too.
    this.records.drain();
    const about = { ...question, rule, key: key ?? (consumer === null ? null : `consumer=${consumer}`) };
    const written = this.recorder.flush().then(async () => await this.rows.usage(about));
    const answer = await asked(written, 'The database with the usage of the limits cannot be asked now.');
    const found = new Map(answer.series.map((counts) => [counts.t, counts]));
    const series = startsOf(question).map((start) => {
      const { checked, rejected, shadowRejected } = found.get(start) ?? NOTHING;
      return { t: new Date(start).toISOString(), ...withAllowed(checked, rejected, shadowRejected) };
    });
    const sum = (name: 'checked' | 'rejected' | 'shadowRejected'): number =>
      answer.series.reduce((total, counts) => total + counts[name], 0);
    return {
      range: question.range,
      from: question.from.toISOString(),
      to: question.to.toISOString(),
      step: stepOf(question),
      summary: withAllowed(sum('checked'), sum('rejected'), sum('shadowRejected')),
      keys: answer.keys,
      series,
    };
  }
}

const NOTHING = { checked: 0, rejected: 0, shadowRejected: 0 };

function withAllowed(checked: number, rejected: number, shadowRejected: number) {
  return { checked, allowed: checked - rejected - shadowRejected, rejected, shadowRejected };
}
