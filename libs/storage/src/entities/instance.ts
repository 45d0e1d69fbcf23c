import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A running gateway, as it last reported itself. */
@Entity('instances')
export class Instance {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  host!: string;

  @Column('integer')
  pid!: number;

  @Column('text')
  version!: string;

  @Column('integer', { name: 'config_version' })
  configVersion!: number;

  @Column('text', { name: 'config_hash' })
  configHash!: string;

  @Column('timestamptz', { name: 'started_at', default: () => 'now()' })
  startedAt!: Date;

  @Column('timestamptz', { name: 'seen_at', default: () => 'now()' })
  seenAt!: Date;
}
