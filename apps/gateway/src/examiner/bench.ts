import { fromPieces, type LoadedConfig, type LoadOptions, mergeEntities, type MergedConfig, type Piece } from '#config';
import { Refusal } from '#kernel';
import { EntitySet, idOf, type StoredEntity } from '../dynamic/entity-set.js';
import { examine } from './examine.js';
import { type Said, type SentDocument, type Told } from './messages.js';

/** Mistakes that are told of one document. */
const MOST_MISTAKES = 1_000;

/** The thread's own copy of what is served, and what becomes of a document held against it. */
export class Bench {
  private pieces: Piece[] = [];
  private file: { readonly loaded: LoadedConfig; readonly options: LoadOptions } | undefined;
  private fresh: StoredEntity[] = [];
  private entities = EntitySet.empty;
  private running: MergedConfig | undefined;

  /** null: there is nothing to say to it yet. */
  hear(told: Told): Said | null {
    switch (told.kind) {
      case 'file':
        if ('rest' in told.piece) this.pieces = [];
        this.pieces.push(told.piece);
        return null;
      case 'whole file':
        this.file = this.assembled(told.places);
        return null;
      case 'entities':
        this.fresh.push(...told.some);
        return null;
      case 'all entities':
        this.entities = this.entitiesOf(told.version, told.gone);
        return null;
      case 'document':
        return this.examined(told.document);
    }
  }

  private assembled(places: LoadOptions): { readonly loaded: LoadedConfig; readonly options: LoadOptions } {
    const options = { ...places, env: {} };
    const loaded = fromPieces(this.pieces, options);
    this.pieces = [];
    this.running = undefined;
    return { loaded, options };
  }

  private entitiesOf(version: number, gone: readonly string[]): EntitySet {
    const all = new Map(this.entities.all().map((entity) => [idOf(entity), entity]));
    for (const id of gone) all.delete(id);
    for (const entity of this.fresh) all.set(idOf(entity), entity);
    this.fresh = [];
    this.running = undefined;
    return EntitySet.of(version, [...all.values()], this.entities);
  }

  private examined(document: SentDocument): Said {
    try {
      if (this.file === undefined) throw new TypeError('the file is not known yet');
      const { loaded: file, options } = this.file;
      this.running ??= mergeEntities(file, this.entities.all(), options);
      return { examined: examine(document, { file, options, entities: this.entities, running: this.running }) };
    } catch (thrown) {
      if (!(thrown instanceof Refusal))
        return { failed: thrown instanceof Error ? String(thrown.stack) : String(thrown) };
      const { code, detail, errors = [] } = thrown;
      return { refused: { code, detail, errors: errors.slice(0, MOST_MISTAKES) } };
    }
  }
}
