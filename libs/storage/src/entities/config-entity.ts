import { Check, Column, Entity, PrimaryColumn } from 'typeorm';

/** A route, an upstream or another entity that the admin API made, as it was written. */
@Entity('config_entities')
export class ConfigEntity {
  @PrimaryColumn('text')
  kind!: string;

  @PrimaryColumn('text')
  name!: string;

  /** Not jsonb, which would not keep the order of the keys. */
  @Column('json')
  spec!: Record<string, unknown>;

  /** Order of creation. */
  @Column('integer')
  position!: number;

  /** The version of the configuration that it was last changed in. */
  @Column('integer')
  version!: number;
}

/** The one row that says which version of the configuration holds; who changes something locks it. */
@Entity('config_head')
@Check('config_head_one_row', 'one')
export class ConfigHead {
  @PrimaryColumn('boolean', { default: true })
  one!: boolean;

  @Column('integer')
  version!: number;
}

/** What a version changed: enough to follow it, to show it, and to take it back. */
@Entity('config_versions')
export class ConfigVersion {
  @PrimaryColumn('integer')
  version!: number;

  @Column('timestamptz', { name: 'made_at', default: () => 'now()' })
  madeAt!: Date;

  @Column('text')
  actor!: string;

  @Column('text')
  action!: string;

  @Column('json')
  changes!: unknown[];
}
