import { type ScalarNode } from './node.js';

const INTEGER = /^[-+]?\d+$/;
const OTHER_BASE = /^0(?:o[0-7]+|x[0-9a-fA-F]+)$/;
const FLOAT = /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/;

/** What YAML 1.2's core schema makes of a plain scalar. */
export function resolvePlain(text: string): ScalarNode['value'] {
  if (text === '' || /^(?:~|null|Null|NULL)$/.test(text)) return null;
  if (/^(?:true|True|TRUE)$/.test(text)) return true;
  if (/^(?:false|False|FALSE)$/.test(text)) return false;
  if (INTEGER.test(text) || OTHER_BASE.test(text) || FLOAT.test(text)) return Number(text);
  return text;
}
