import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Somebody who calls through the gateway, or administers it. */
@Entity('consumers')
export class Consumer {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text', { unique: true })
  name!: string;

  @Column('text', { nullable: true })
  plan!: string | null;

  @Column('text', { array: true, default: () => `'{}'` })
  roles!: string[];

  @Column('jsonb', { default: () => `'{}'` })
  tags!: Record<string, string>;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'updated_at', default: () => 'now()' })
  updatedAt!: Date;
}
