import { inspect } from 'node:util';
import { MASK } from '#kernel';

/** How a secret was given, where that may be shown. */
export type SecretReference = { readonly file: string } | { readonly encrypted: string };

/** Whether it only says that there is a secret. Some say more about it after a colon. */
export function isMask(text: string): boolean {
  return text === MASK || /^\(masked: [^)]*\)$/.test(text);
}

export const MASK_LEFT = `${MASK} stands for a secret that is not shown: write the secret itself`;

/** A value that is never shown by accident: not by JSON, a template string, an error or `util.inspect`. */
export class Secret {
  readonly #value: string;
  readonly #shown: string;

  /** `shown`: what may be seen of it, such as a URL without its password. */
  constructor(
    value: string,
    shown = MASK,
    readonly reference: SecretReference | null = null,
  ) {
    this.#value = value;
    this.#shown = shown;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return this.#shown;
  }

  toJSON(): string {
    return this.#shown;
  }

  [inspect.custom](): string {
    return this.#shown;
  }
}
