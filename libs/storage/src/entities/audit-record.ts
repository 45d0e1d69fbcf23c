import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** An entry of the audit log; `AuditLog` writes and reads it. */
@Entity('audit_log')
@Index('audit_log_by_actor', ['actor', 'seq'])
@Index('audit_log_by_entity', ['entity', 'seq'])
@Index('audit_log_by_time', ['at'])
@Index('audit_log_by_retention', ['seq'], { where: `operation = 'audit retention'` })
@Check('audit_log_hash_check', 'octet_length(hash) = 32')
@Check('audit_log_outcome_check', `outcome IN ('done', 'refused', 'failed')`)
export class AuditRecord {
  @PrimaryColumn('bigint')
  seq!: string;

  @Column('bytea')
  hash!: Buffer;

  @Column('timestamptz')
  at!: Date;

  @Column('text', { nullable: true })
  actor!: string | null;

  @Column('text', { nullable: true })
  credential!: string | null;

  @Column('text', { name: 'client_ip', nullable: true })
  clientIp!: string | null;

  @Column('text', { name: 'user_agent', nullable: true })
  userAgent!: string | null;

  @Column('text')
  operation!: string;

  @Column('text', { nullable: true })
  entity!: string | null;

  @Column('jsonb', { nullable: true })
  before!: unknown;

  @Column('jsonb', { nullable: true })
  after!: unknown;

  @Column('text')
  outcome!: string;

  @Column('integer', { nullable: true })
  status!: number | null;

  @Column('text', { name: 'request_id', nullable: true })
  requestId!: string | null;
}

/** The last entry that retention took away: the chain begins after it. */
@Entity('audit_anchor')
@Check('audit_anchor_single_check', 'single')
@Check('audit_anchor_hash_check', 'octet_length(hash) = 32')
export class AuditAnchor {
  @PrimaryColumn('boolean', { default: true })
  single!: boolean;

  @Column('bigint')
  seq!: string;

  @Column('bytea')
  hash!: Buffer;
}
