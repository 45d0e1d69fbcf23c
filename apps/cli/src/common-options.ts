import { type Command, Option } from 'commander';
import { DEFAULT_CONFIG } from './config-file.js';

const DEFAULT_URL = 'http://localhost:8080';

export function json(): Option {
  return new Option('--json', 'for programs');
}

export function withConfig(command: Command): Command {
  return command
    .addOption(new Option('-c, --config <file>', 'the configuration').env('AEGIS_CONFIG').default(DEFAULT_CONFIG))
    .addOption(new Option('--data-dir <folder>', 'where ./data is').env('AEGIS_DATA_DIR'));
}

export function gatewayUrl(): Option {
  return new Option('--url <url>', 'where the gateway is').env('AEGIS_URL').default(DEFAULT_URL);
}

export function withGateway(command: Command, group = 'Options:'): Command {
  const url = gatewayUrl();
  const key = new Option('--key <key>', 'the admin key; better in the environment').env('AEGIS_ADMIN_KEY');
  return command.addOption(url.helpGroup(group)).addOption(key.helpGroup(group));
}
