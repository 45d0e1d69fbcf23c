/**
 * Loaded into a gateway: names that end in `.chaos` are looked up in the file that CHAOS_HOSTS names, a line for each. With
 * the file gone, so is the DNS.
 */
import { readFileSync } from 'node:fs';
import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';

const { lookup: ask } = dns.promises;

dns.promises.lookup = async (name, options) => {
  if (!name.endsWith('.chaos')) return await ask(name, options);
  try {
    const lines = readFileSync(process.env.CHAOS_HOSTS, 'utf8').split('\n');
    const addresses = lines.map((line) => line.split(' ')).filter(([known]) => known === name);
    return addresses.map(([, address]) => ({ address, family: 4 }));
  } catch {
    throw Object.assign(new Error(`getaddrinfo EAI_AGAIN ${name}`), { code: 'EAI_AGAIN' });
  }
};
syncBuiltinESMExports();
