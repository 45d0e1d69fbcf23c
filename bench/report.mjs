// From measurements to a result file and its table.
import { spread } from './statistics.mjs';

/** One row for each contestant. */
export function rows(entries) {
  const found = entries.map(({ contestant, version, rounds }) => ({
    name: contestant.name,
    about: contestant.about,
    version,
    cpuMicrosecondsPerRequest: spread(
      rounds.map((round) => round.cpu),
      2,
    ),
    requestsPerSecond: spread(
      rounds.map((round) => round.rps),
      0,
    ),
    latencyP50Ms: spread(
      rounds.map((round) => round.p50),
      3,
    ),
    latencyP99Ms: spread(
      rounds.map((round) => round.p99),
      3,
    ),
    // Ratios are taken within each round and then the median: a slow minute of the machine hits both sides.
    ratioTo: Object.fromEntries(
      ['nginx', 'http-proxy'].flatMap((name) => {
        const base = entries.find((entry) => entry.contestant.name === name);
        if (base === undefined) return [];
        return [
          [
            name,
            spread(
              rounds.map((round, i) => round.cpu / base.rounds[i].cpu),
              2,
            ),
          ],
        ];
      }),
    ),
  }));
  return found.toSorted((a, b) => a.cpuMicrosecondsPerRequest.median - b.cpuMicrosecondsPerRequest.median);
}

const range = ({ median, min, max }) => `${median} (${min}–${max})`;

const percent = (part) => `${(part * 100).toFixed(0)}%`;

export function markdown(result) {
  const { machine, settings } = result;
  const head = ['contestant', 'version', 'CPU µs/request', '÷ nginx', '÷ http-proxy', 'requests/s', 'p50 ms', 'p99 ms'];
  const table = result.rows.map((row) => [
    row.name,
    row.version,
    range(row.cpuMicrosecondsPerRequest),
    row.ratioTo.nginx?.median ?? '–',
    row.ratioTo['http-proxy']?.median ?? '–',
    row.requestsPerSecond.median,
    row.latencyP50Ms.median,
    row.latencyP99Ms.median,
  ]);
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [
    `# ${result.topic}, Node.js ${result.node}, ${result.date}`,
    '',
    `${machine.cpu}, ${machine.cores} cores, ${machine.kernel}. Medians of ${settings.rounds} interleaved rounds of ` +
      `${settings.seconds} s (lowest–highest); ${settings.connections} keep-alive connections, answers of ` +
      `${settings.answerBytes} bytes; the proxy on one core, load generator and upstream on another. Latency: a ` +
      `separate pass with ${settings.latencyConnections} connections; straight to the upstream it is p50 ` +
      `${result.direct.p50.median} ms, p99 ${result.direct.p99.median} ms. Other programs had ` +
      `${percent(result.disturbance.median)} of the two cores meanwhile (at most ${percent(result.disturbance.max)}).`,
    '',
    line(head),
    line(head.map((_, i) => (i < 2 ? '---' : '---:'))),
    ...table.map(line),
    '',
    ...result.rows.map((row) => `- ${row.name}: ${row.about}`),
    ...(result.leftOut.length > 0 ? ['', 'Left out:', ''] : []),
    ...result.leftOut.map(({ name, why }) => `- ${name}: ${why}`),
    '',
  ].join('\n');
}
