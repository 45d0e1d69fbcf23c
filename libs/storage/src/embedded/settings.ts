import { type Place } from './place.js';

/**
 * What differs from PostgreSQL's own defaults: one small writer on one machine, without replicas, that never trades a
 * committed row for speed. Given on the command line, so that a newer Aegis brings newer ones.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  shared_buffers: '64MB',
  max_connections: '60',
  // No archive, no standby: less is logged, and a crash replays less.
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '256MB',
  max_logical_replication_workers: '0',
  // Reads come from the page cache here: helper processes for them only cost memory.
  io_method: 'sync',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  unix_socket_permissions: '0700',
  // The log comes to us line by line; what a statement did wrong is told to the one who sent it.
  log_min_messages: 'log',
  log_line_prefix: '',
  log_checkpoints: 'off',
  lc_messages: 'C',
};

export function serverArguments(place: Place, extra: Readonly<Record<string, string>>): string[] {
  const listen =
    place.kind === 'socket'
      ? // The setting is a list: quoted, a folder may have spaces and commas in its name.
        { listen_addresses: '', unix_socket_directories: `"${place.folder.replaceAll('"', '""')}"` }
      : { listen_addresses: place.host, unix_socket_directories: '' };
  const all = { ...SETTINGS, ...extra, ...listen, port: String(place.port) };
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}
