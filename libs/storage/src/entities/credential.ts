import { Check, Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { Consumer } from './consumer.js';

/** What a consumer proves itself with. Of the secret only the SHA-256 is kept, and enough of its beginning to recognise it by. */
@Entity('credentials')
@Index('credentials_by_consumer', ['consumerId'])
@Check('credentials_hash_check', 'octet_length(hash) = 32')
export class Credential {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'consumer_id' })
  consumerId!: string;

  @ManyToOne(() => Consumer, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'consumer_id', foreignKeyConstraintName: 'credentials_consumer_id_fkey' })
  consumer!: Consumer;

  @Column('text')
  kind!: string;

  @Column('text')
  name!: string;

  @Column('text')
  prefix!: string;

  @Column('bytea', { unique: true })
  hash!: Buffer;

  @Column('text', { array: true, default: () => `'{}'` })
  scopes!: string[];

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'expires_at', nullable: true })
  expiresAt!: Date | null;

  /** For how long it was made. */
  @Column('interval', { nullable: true })
  lifetime!: string | null;

  @Column('timestamptz', { name: 'revoked_at', nullable: true })
  revokedAt!: Date | null;

  @Column('timestamptz', { name: 'last_used_at', nullable: true })
  lastUsedAt!: Date | null;
}
