/** Where a secret that is not written out comes from; the loader has the files and the key. */
export interface SecretSource {
  file(path: string): { readonly text: string } | { readonly problem: string };
  decrypt(encrypted: string): { readonly text: string } | { readonly problem: string };
}
