import { type CustomDecorator, SetMetadata } from '@nestjs/common';
import { type AdminPermission } from '#auth';

/** Beside permissions: anybody whose credential is good, or anybody at all (who signs in has none yet). */
export type Need = AdminPermission | 'a credential' | 'nothing';

export const NEED = Symbol('NEED');

/** What the caller of an operation needs. `AdminGuard` lets nobody in where it is not said. */
export function Needs(need: Need): CustomDecorator<symbol> {
  return SetMetadata(NEED, need);
}
