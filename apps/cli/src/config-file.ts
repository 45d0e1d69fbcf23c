import { formatMistakes, loadConfig, type LoadedConfig, mistakeLine } from '#config';
import { CliError, EXIT } from './exit.js';
import { hasColors } from './terminal.js';

export interface ConfigOptions {
  readonly config?: string;
  readonly dataDir?: string;
  /** Masks may stand for secrets: the gateway knows them. */
  readonly takesMasks?: boolean;
  /** How another file is named, where that is not by `--config`. */
  readonly otherName?: string;
}

export const DEFAULT_CONFIG = 'config/aegis.config.yaml';

export async function load({
  config,
  dataDir,
  otherName,
  takesMasks = false,
}: ConfigOptions): ReturnType<typeof loadConfig> {
  const file = config === undefined || config === '' ? DEFAULT_CONFIG : config;
  return await loadConfig({ file, otherName, takesMasks, ...(dataDir !== undefined && dataDir !== '' && { dataDir }) });
}

/** For commands that need a configuration and are not about its mistakes. */
export async function loadValid(options: ConfigOptions): Promise<LoadedConfig> {
  const loaded = await load(options);
  if (loaded.ok) return loaded;
  const { mistakes } = loaded;
  throw new CliError(EXIT.no, formatMistakes(mistakes, { color: hasColors(process.stderr) }), {
    code: 'invalid_configuration',
    brief: mistakes.slice(0, 1).map(mistakeLine).join(''),
    errors: mistakes,
  });
}
