import { Consumers1764000000001 } from './1764000000001-consumers.js';
import { RateLimits1764000000040 } from './1764000000040-rate-limits.js';
import { Instances1764000000002 } from './1764000000002-instances.js';
import { Configuration1764000000010 } from './1764000000010-configuration.js';
import { Audit1764000000020 } from './1764000000020-audit.js';
import { IssuedTokens1764000000030 } from './1764000000030-issued-tokens.js';
import { IdentityKeys1764000000050 } from './1764000000050-identity-keys.js';
import { KeysEpoch1764000000070 } from './1764000000070-keys-epoch.js';
import { KeyLifetimes1764000000080 } from './1764000000080-key-lifetimes.js';

/** Oldest first. A migration that has been released is never edited. */
export const MIGRATIONS = [
  Consumers1764000000001,
  Instances1764000000002,
  Configuration1764000000010,
  Audit1764000000020,
  IssuedTokens1764000000030,
  RateLimits1764000000040,
  IdentityKeys1764000000050,
  KeysEpoch1764000000070,
  KeyLifetimes1764000000080,
] as const;
