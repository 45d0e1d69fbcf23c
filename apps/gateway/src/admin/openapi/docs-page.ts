import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type Response } from 'express';

/** Nothing from elsewhere, nothing inline: what the page shows comes from the document alone. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const TYPES = {
  'index.html': 'text/html',
  'page.mjs': 'text/javascript',
  'page.css': 'text/css',
} as const;

/** Sends one of the files that the page of the documentation is made of. `shown`: the id of what is hidden in it otherwise. */
export async function sendPage(res: Response, file: keyof typeof TYPES, shown = ''): Promise<void> {
  const read = await readFile(createRequire(import.meta.url).resolve(`#docs-page/${file}`), 'utf8');
  const text = read.replace(`id="${shown}" hidden`, `id="${shown}"`);
  res.setHeader('Content-Security-Policy', POLICY);
  res.setHeader('Cache-Control', 'no-cache');
  res.type(`${TYPES[file]}; charset=utf-8`).send(text);
}
