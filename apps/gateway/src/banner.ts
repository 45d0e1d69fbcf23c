export interface BannerFacts {
  readonly version: string;
  readonly url: string;
  readonly adminUrl: string;
  readonly workers: number;
  readonly configFile: string;
  /** A path that answers, if there is one to try. */
  readonly tryPath: string | null;
  /** Shown once, when it was made. */
  readonly newAdminKey: string | null;
  readonly tookMs: number;
}

/** What a person sees when the gateway is up: where it is, what to try, and the key that is never shown again. */
export function banner(facts: BannerFacts, color: boolean): string {
  const bold = (text: string): string => (color ? `\x1b[1m${text}\x1b[22m` : text);
  const dim = (text: string): string => (color ? `\x1b[2m${text}\x1b[22m` : text);
  const lines = [
    '',
    `  ${bold('Aegis')} ${facts.version} ${dim(`ready in ${(facts.tookMs / 1000).toFixed(1)} s`)}`,
    '',
    `  Gateway   ${facts.url}`,
    `  Status    ${facts.adminUrl}/_aegis/status ${dim('(needs the admin key)')}`,
    ...(facts.workers > 1 ? [`  Workers   ${facts.workers}`] : []),
    `  Config    ${facts.configFile} ${dim('(changes are served as you save them)')}`,
  ];
  if (facts.tryPath !== null) lines.push('', `  Try       ${bold(`curl ${facts.url}${facts.tryPath}`)}`);
  if (facts.newAdminKey !== null) {
    lines.push(
      '',
      `  Admin key ${bold(facts.newAdminKey)}`,
      `            ${dim('Keep it: it is not shown again. Send it as X-API-Key.')}`,
    );
  }
  return `${lines.join('\n')}\n\n`;
}
