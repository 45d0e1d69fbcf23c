import { type Command } from 'commander';
import { type ConsumersOptions, type CreateConsumerOptions } from './commands/consumers.js';
import { type CreateKeyOptions, type KeysOptions, type RotateKeyOptions } from './commands/keys.js';
import { type SessionsOptions } from './commands/sessions.js';
import { type IssueOptions, type TokenOptions } from './commands/token.js';
import { gatewayUrl, json, withConfig, withGateway } from './common-options.js';
import { type End } from './exit.js';

/** Keys, consumers, and who is signed in. */
export function accessCommands(aegis: Command): void {
  const keys = aegis.command('keys').summary('keys of consumers, and of the administrator').description('API keys.');
  withGateway(withConfig(keys.command('create')), 'With --consumer:')
    .summary('make one')
    .description(
      'Makes a key and prints it, once. With --consumer the running gateway makes it. With --admin it is made in the database directly and needs no key itself: for when the last one is lost.',
    )
    .option('--consumer <name>', 'whose key')
    .option('--admin', 'one of the administrator, on the machine of the database')
    .option('--name <name>', 'what to call it', 'command line')
    .option('--expires <duration>', 'for how long it is good, such as 90d; default: for ever')
    .option('--scope <scope...>', 'what it is for')
    .addOption(json())
    .action(async (options: CreateKeyOptions) => (await import('./commands/keys.js')).createKey(options));
  withGateway(keys.command('list'))
    .summary('those of a consumer')
    .description('The keys of a consumer: their beginnings, when they were made and last used.')
    .requiredOption('--consumer <name>', 'whose keys')
    .addOption(json())
    .action(async (options: KeysOptions) => (await import('./commands/keys.js')).listKeys(options));
  withGateway(keys.command('rotate').argument('<id>', 'as `keys list` shows it'))
    .summary('make one in place of another')
    .description(
      'Makes a key in place of another and prints it, once. Both work for the overlap, then the new one alone.',
    )
    .requiredOption('--consumer <name>', 'whose key')
    .option('--overlap <duration>', 'so long the old one still works, such as 1h; default: a day')
    .option('--expires <duration>', 'for how long the new one is good, such as 90d, or never; default: as the old one')
    .addOption(json())
    .action(async (id: string, options: RotateKeyOptions) =>
      (await import('./commands/keys.js')).rotateKey(id, options),
    );
  withGateway(keys.command('revoke').argument('<id>', 'as `keys list` shows it'))
    .summary('make one useless')
    .description('Revokes a key: no instance takes it after two seconds.')
    .requiredOption('--consumer <name>', 'whose key')
    .addOption(json())
    .action(async (id: string, options: KeysOptions) => (await import('./commands/keys.js')).revokeKey(id, options));
  const consumers = aegis
    .command('consumers')
    .summary('who may call')
    .description('The consumers of the running gateway.');
  withGateway(consumers.command('list'))
    .summary('all of them')
    .description('All consumers, those of the file and those that were made through the API.')
    .addOption(json())
    .action(async (options: ConsumersOptions) => (await import('./commands/consumers.js')).listConsumers(options));
  withGateway(consumers.command('show').argument('<name>'))
    .summary('one of them')
    .description('What is known of a consumer.')
    .addOption(json())
    .action(async (name: string, options: ConsumersOptions) =>
      (await import('./commands/consumers.js')).showConsumer(name, options),
    );
  withGateway(consumers.command('create').argument('<name>'))
    .summary('make one')
    .description('Makes a consumer.')
    .option('--role <role...>', 'what it may do')
    .option('--plan <plan>', 'for rate limits')
    .option('--tag <tag...>', 'free words')
    .addOption(json())
    .action(async (name: string, options: CreateConsumerOptions) =>
      (await import('./commands/consumers.js')).createConsumer(name, options),
    );
  withGateway(consumers.command('delete').argument('<name>'))
    .summary('with its keys')
    .description('Deletes a consumer and its keys.')
    .addOption(json())
    .action(async (name: string, options: ConsumersOptions) =>
      (await import('./commands/consumers.js')).deleteConsumer(name, options),
    );
  const sessions = aegis
    .command('sessions')
    .summary('who is signed in')
    .description('Sessions of browsers, and tokens that Aegis gave, at the running gateway.');
  withGateway(sessions.command('list'))
    .summary('all of them, or those of somebody')
    .description('Who is signed in, since when, and when that ends.')
    .option('--consumer <name>', 'those of this consumer')
    .option('--user <subject>', 'those of this person, as the issuer names them')
    .addOption(json())
    .action(async (options: SessionsOptions) => (await import('./commands/sessions.js')).listSessions(options));
  withGateway(sessions.command('end').argument('[id]', 'as `sessions list` shows it'))
    .summary('sign somebody out')
    .description(
      'Ends a session, or all of a consumer or person, with their refresh tokens: no instance takes them after two seconds. Whoever may still sign in can do so again.',
    )
    .option('--consumer <name>', 'all of this consumer')
    .option('--user <subject>', 'all of this person, as the issuer names them')
    .addOption(json())
    .action(async (id: string | undefined, options: SessionsOptions) =>
      (await import('./commands/sessions.js')).endSessions(id, options),
    );
}

export function tokenCommands(aegis: Command, end: End): void {
  const tokens = aegis
    .command('token')
    .summary('tokens of Aegis’s own, and what any token is worth')
    .description('Tokens. None is ever an argument: it is in the environment, piped in, or asked for.');
  tokens
    .command('issue')
    .summary('one for a key')
    .description(
      'Gets an access token for the API key of a consumer (AEGIS_API_KEY, standard input, or it asks) and prints it.',
    )
    .option('--consumer <name>', 'whose key it has to be')
    .addOption(gatewayUrl())
    .addOption(json())
    .addHelpText(
      'after',
      `
Examples:
  curl -H "Authorization: Bearer $(printf %s "$KEY" | aegis token issue)" http://localhost:8080/orders
  aegis token issue --json   with the refresh token`,
    )
    .action(async (options: IssueOptions) => (await import('./commands/token.js')).issueToken(options));
  tokens
    .command('refresh')
    .summary('the next one for a refresh token')
    .description(
      'Gets the next access token for a refresh token (AEGIS_TOKEN, standard input, or it asks), which works once; --json has the next refresh token.',
    )
    .addOption(gatewayUrl())
    .addOption(json())
    .action(async (options: TokenOptions) => (await import('./commands/token.js')).refreshToken(options));
  tokens
    .command('inspect')
    .summary('what it says, and whether the gateway takes it')
    .description(
      'Says what is in a token (AEGIS_TOKEN, standard input, or it asks), and what the running gateway thinks of it. Exit code 1: it is refused.',
    )
    .addOption(gatewayUrl())
    .addOption(json())
    .action(async (options: TokenOptions) => end(await (await import('./commands/token.js')).inspectToken(options)));
  tokens
    .command('revoke')
    .summary('make one useless')
    .description(
      'Revokes a token that Aegis gave (AEGIS_TOKEN, standard input, or it asks), with all of the same grant: no instance takes them after two seconds.',
    )
    .addOption(gatewayUrl())
    .addOption(json())
    .action(async (options: TokenOptions) => (await import('./commands/token.js')).revokeToken(options));
}
