export type Labels = Readonly<Record<string, string>>;

interface Sample {
  /** Added to the name of the metric: `_bucket`, `_sum`, `_count`. */
  readonly suffix: string;
  readonly labels: Labels;
  readonly value: number;
}

/** One metric: all its series are read when somebody asks. */
export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  samples(): Iterable<Sample>;
}

/** Values that are known elsewhere, looked up when somebody asks. */
export function observed(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  read: () => Iterable<readonly [Labels, number]>,
): Metric {
  return {
    name,
    help,
    type,
    *samples() {
      for (const [labels, value] of read()) yield { suffix: '', labels, value };
    },
  };
}

/** Only ever grows. The caller sees to it that there are few sets of labels. */
export class Counter implements Metric {
  readonly type = 'counter';
  private readonly series = new Map<string, { readonly labels: Labels; value: number }>();

  constructor(
    readonly name: string,
    readonly help: string,
  ) {}

  add(labels: Labels, by = 1): void {
    const id = Object.values(labels).join(' ');
    const known = this.series.get(id);
    if (known) known.value += by;
    else this.series.set(id, { labels, value: by });
  }

  *samples(): Iterable<Sample> {
    for (const { labels, value } of this.series.values()) yield { suffix: '', labels, value };
  }
}

interface Distribution {
  readonly labels: Labels;
  /** For each bucket what fell into it alone; the last is for what is above all. */
  readonly counts: number[];
  sum: number;
}

/** Counts values in fixed buckets. */
export class Histogram implements Metric {
  readonly type = 'histogram';
  private readonly series = new Map<string, Distribution>();

  constructor(
    readonly name: string,
    readonly help: string,
    /** Upper bounds, each inclusive, ascending. */
    private readonly bounds: readonly number[],
  ) {}

  observe(label: string, of: string, value: number): void {
    let known = this.series.get(of);
    if (known === undefined) {
      known = { labels: { [label]: of }, counts: new Array<number>(this.bounds.length + 1).fill(0), sum: 0 };
      this.series.set(of, known);
    }
    let at = 0;
    while (at < this.bounds.length && value > (this.bounds[at] ?? Infinity)) at++;
    known.counts[at] = (known.counts[at] ?? 0) + 1;
    known.sum += value;
  }

  *samples(): Iterable<Sample> {
    for (const { labels, counts, sum } of this.series.values()) {
      let below = 0;
      for (const [index, count] of counts.entries()) {
        below += count;
        const le = index < this.bounds.length ? String(this.bounds[index]) : '+Inf';
        yield { suffix: '_bucket', labels: { ...labels, le }, value: below };
      }
      yield { suffix: '_sum', labels, value: sum };
      yield { suffix: '_count', labels, value: below };
    }
  }
}

/** All metrics, in the text format 0.0.4 of Prometheus. */
export class Registry {
  private readonly metrics: Metric[] = [];

  add(...metrics: readonly Metric[]): void {
    this.metrics.push(...metrics);
  }

  text(): string {
    let text = '';
    for (const metric of this.metrics) {
      const { name, help, type } = metric;
      text += `# HELP ${name} ${help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')}\n# TYPE ${name} ${type}\n`;
      for (const { suffix, labels, value } of metric.samples()) {
        text += `${name}${suffix}${written(labels)} ${number(value)}\n`;
      }
    }
    return text;
  }
}

function written(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
}

function number(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}
