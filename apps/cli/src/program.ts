import { Command, InvalidArgumentError, Option } from 'commander';
import { accessCommands, tokenCommands } from './access-commands.js';
import { type CheckOptions } from './commands/check.js';
import { type DiffOptions } from './commands/diff.js';
import { type ExportOptions } from './commands/export.js';
import { type RefusedOptions, type UsageOptions } from './commands/limits.js';
import { type ReloadOptions } from './commands/reload.js';
import { type RoutesOptions } from './commands/routes.js';
import { type SyncOptions } from './commands/sync.js';
import { type StatusOptions } from './commands/status.js';
import { type TopOptions } from './commands/top.js';
import { type VersionOptions } from './commands/version.js';
import { json, withConfig, withGateway } from './common-options.js';
import { type ConfigOptions } from './config-file.js';
import { type End } from './exit.js';
import { hasColors, paintFor } from './terminal.js';
import { VERSION } from './version.js';

const EXAMPLES = `
Examples:
  aegis check                                            is the file all right?
  aegis routes --match "GET http://localhost:8080/demo"  who takes this request, and why?
  aegis status                                           what runs, and is it well?
  printf %s "$PASSWORD" | aegis encrypt                  a secret for the file

Exit codes: 0 fine, 1 the answer is no, 2 wrong usage, 3 gateway or database out of reach.
NO_COLOR switches colours off.`;

/**
 * All commands and their options. What a command needs is loaded when it is called: `aegis check` does not wait for a
 * database driver.
 */
export function program(end: End, isProgram = false): Command {
  const aegis = new Command('aegis')
    .description('The command line of the Aegis gateway.')
    .version(VERSION, '-V, --version', 'say the version')
    .usage('COMMAND [options]')
    .addHelpText('after', EXAMPLES);
  gatewayCommands(aegis.commandsGroup('The gateway:'), end);
  limitCommands(aegis, end);
  configurationCommands(aegis.commandsGroup('The configuration:'), end);
  passwordCommand(aegis);
  syncCommands(aegis.commandsGroup('What runs, and a file:'), end);
  accessCommands(aegis.commandsGroup('Who may:'));
  tokenCommands(aegis, end);
  databaseCommands(aegis.commandsGroup('The database:'));
  aegis
    .commandsGroup('Else:')
    .helpCommand('help [command]', 'more about a command')
    .command('version')
    .summary('of Aegis and of Node')
    .description('The version of Aegis and of Node.')
    .addOption(json())
    .action(async (options: VersionOptions) => (await import('./commands/version.js')).version(options));
  dress(aegis, isProgram);
  return aegis;
}

function gatewayCommands(aegis: Command, end: End): void {
  withConfig(aegis.command('start'))
    .summary('serve, in this terminal')
    .description('Becomes the gateway: serves until Ctrl-C or SIGTERM, then drains.')
    .action(async (options: ConfigOptions) => (await import('./commands/start.js')).start(options));
  withGateway(aegis.command('status'))
    .summary('what runs: health, configuration, instances')
    .description('What runs: health, configuration, dependencies, instances. Exit code 1 when it is unhealthy.')
    .addOption(json())
    .action(async (options: StatusOptions) => end(await (await import('./commands/status.js')).status(options)));
  withGateway(aegis.command('top'))
    .summary('what goes on, each second')
    .description(
      'What goes on, again and again: over the same place of a terminal until q, else once, or --count times.',
    )
    .option('--interval <seconds>', 'time between two looks', secondsOf, 1)
    .option('--count <times>', 'how often; default: until q on a terminal, else once', wholeOf)
    .addOption(json())
    .action(async (options: TopOptions) => (await import('./commands/top.js')).top(options));
  withGateway(aegis.command('reload'))
    .summary('serve what is in the file now')
    .description(
      'Has the running gateway read its file again, and says what is wrong with it. It follows changes anyway; this waits for the outcome.',
    )
    .addOption(json())
    .action(async (options: ReloadOptions) => (await import('./commands/reload.js')).reload(options));
}

function limitCommands(aegis: Command, end: End): void {
  const limits = aegis
    .command('limits')
    .summary('who is refused, what is used up; let somebody in again')
    .description('The limits of the running gateway.');
  const rule = (): Option => new Option('--rule <name>', 'of this rule only');
  withGateway(limits.command('top'))
    .summary('the keys that are refused most')
    .description('The keys that this instance refused most, in the last half hour to hour.')
    .option('--limit <number>', 'how many', wholeOf, 20)
    .addOption(json())
    .action(async (options: RefusedOptions) => (await import('./commands/limits.js')).top(options));
  withGateway(limits.command('usage').argument('[key]', 'such as consumer=acme or ip=192.0.2.7'))
    .summary('what the rules said, or what a key has used')
    .description(
      'How often each rule was asked and refused; or what a key has used of each. Exit code 1: the key has used nothing.',
    )
    .addOption(rule())
    .addOption(json())
    .action(async (key: string | undefined, options: UsageOptions) =>
      end(await (await import('./commands/limits.js')).usage(key, options)),
    );
  withGateway(limits.command('reset').argument('<key>', 'such as consumer=acme or ip=192.0.2.7'))
    .summary('give a key its whole limit again')
    .description('Gives a key its whole limit again, on all instances when the limits are counted in Redis.')
    .addOption(rule())
    .addOption(json())
    .action(async (key: string, options: UsageOptions) => (await import('./commands/limits.js')).reset(key, options));
}

function configurationCommands(aegis: Command, end: End): void {
  withConfig(aegis.command('check').argument('[file]', 'instead of --config'))
    .summary('every mistake in a file, with its line')
    .description('Says everything that is wrong with a file, each mistake with its line and what may stand there.')
    .addOption(json())
    .action(async (file: string | undefined, options: CheckOptions) =>
      end(await (await import('./commands/check.js')).check(file, options)),
    );
  withGateway(withConfig(aegis.command('routes')), 'With --live:')
    .summary('all routes, or which one takes a request')
    .description(
      'All routes, the one that goes first on top; or which one takes a request, and why each other does not.',
    )
    .option('-m, --match <request>', 'which route takes this, as "GET http://host/path"')
    .option('-H, --header <header...>', "a header of that request, as 'name: value'")
    .option('--live', 'ask the running gateway, not the file')
    .addOption(json())
    .addHelpText(
      'after',
      `
Examples:
  aegis routes
  aegis routes --match "POST http://api.example.com/orders?beta=1" -H 'version: two'
  aegis routes --live --match /demo/hello

Exit code 1: no route takes the request.`,
    )
    .action(async (options: RoutesOptions) => end(await (await import('./commands/routes.js')).routes(options)));
  aegis
    .command('encrypt')
    .summary('make a secret fit for the file')
    .description('Encrypts a secret with AEGIS_SECRET_KEY and prints the YAML to paste. Reads standard input, or asks.')
    .addHelpText(
      'after',
      `
Examples:
  export AEGIS_SECRET_KEY="$(openssl rand -hex 32)"  once; the gateway needs it too
  aegis encrypt                                      asks, and shows nothing of what you type
  printf %s "$PASSWORD" | aegis encrypt`,
    )
    .action(async () => (await import('./commands/encrypt.js')).encrypt());
}

function passwordCommand(aegis: Command): void {
  aegis
    .command('hash')
    .summary('make the hash of a password for the file')
    .description(
      'Hashes a password with argon2id and prints the YAML for `basic` of a consumer. Reads standard input, or asks.',
    )
    .action(async () => (await import('./commands/hash.js')).hash());
}

function databaseCommands(aegis: Command): void {
  withConfig(aegis.command('migrate'))
    .summary('bring the database up to date')
    .description('Brings the database up to date, as the gateway does when it starts, and says what ran.')
    .action(async (options: ConfigOptions) => (await import('./commands/migrate.js')).migrate(options));
}

function syncCommands(aegis: Command, end: End): void {
  const prune = new Option('--prune', 'also delete what runs and is not in the file');
  withGateway(aegis.command('diff').argument('<file>'))
    .summary('in what the running gateway differs from a file')
    .description(
      'What `sync` would create, change and delete. It is about routes, upstreams, consumers, rules, IP rules, roles and alerts; other settings belong to the file of each gateway. Exit code 1: there is a difference.',
    )
    .addOption(prune)
    .addOption(json())
    .action(async (file: string, options: DiffOptions) =>
      end(await (await import('./commands/diff.js')).diff(file, options)),
    );
  withGateway(aegis.command('sync').argument('<file>'))
    .summary('have the running gateway serve what a file says')
    .description('Shows what would change, asks, and does it. A second time there is nothing to do.')
    .addOption(prune)
    .option('-y, --yes', 'do not ask')
    .addOption(json())
    .action(async (file: string, options: SyncOptions) =>
      end(await (await import('./commands/sync.js')).sync(file, options)),
    );
  withGateway(aegis.command('export'))
    .summary('what runs, as YAML or JSON')
    .description(
      'The routes, upstreams, consumers, rules, IP rules, roles and alerts that run, as they could stand in a file; secrets are masked.',
    )
    .addOption(json())
    .action(async (options: ExportOptions) => (await import('./commands/export.js')).exportConfig(options));
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (seconds >= 0.1 && seconds <= 3600) return seconds;
  throw new InvalidArgumentError('It takes seconds, from 0.1 to 3600.');
}

function wholeOf(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It takes a whole number from 1.');
}

/** For a command and those below it: how help and what was typed wrongly are told. */
function dress(command: Command, isProgram: boolean, path = command.name()): void {
  command
    .exitOverride()
    .helpOption('-h, --help', 'show this')
    .configureHelp({
      styleTitle: (text) => paintFor(process.stdout).bold(text),
      subcommandTerm: termOf,
      optionDescription: ({ description, defaultValue, envVar }) => {
        const more = [
          ...(typeof defaultValue === 'string' ? [`default ${defaultValue}`] : []),
          ...(envVar === undefined ? [] : [`or ${envVar}`]),
        ];
        return more.length === 0 ? description : `${description} (${more.join('; ')})`;
      },
    })
    .configureOutput({
      getOutHasColors: () => hasColors(process.stdout),
      getErrHasColors: () => hasColors(process.stderr),
      // Programs are told in JSON, when all is over.
      ...(isProgram && { writeErr: () => undefined }),
      outputError: (text, write) => {
        const line = text
          .trim()
          .replace(/^error: /, `${path}: `)
          .replaceAll('\n', ' ');
        write(`${line}\n\`${path} --help\` says what there is.\n`);
      },
    });
  for (const sub of command.commands) dress(sub, isProgram, `${path} ${sub.name()}`);
}

function termOf(command: Command): string {
  const below = command.commands.map((each) => each.name());
  const wanted = command.registeredArguments.map((each) => `[${each.name()}]`);
  return [command.name(), ...below, ...wanted].join(' ');
}
