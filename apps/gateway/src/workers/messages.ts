/** What a worker says of itself, about once a second. */
export interface WorkerState {
  readonly requests: number;
  readonly memory: number;
  readonly configVersion: number;
  readonly configHash: string;
}

/** A worker as the others and the status know it. Its number stays when the process is replaced. */
export interface WorkerReport extends WorkerState {
  readonly number: number;
  readonly pid: number;
  readonly startedAt: string;
}

/** Where the workers listen, for the banner. */
export interface Listening {
  readonly url: string;
  readonly adminUrl: string;
}

export type ToSupervisor =
  | { readonly kind: 'ready'; readonly listening: Listening }
  | { readonly kind: 'state'; readonly state: WorkerState }
  | { readonly kind: 'reload'; readonly request: number }
  | { readonly kind: 'reloaded'; readonly ask: number };

export type ToWorker =
  /** `instances`: how many processes share the limits, on all machines. */
  | { readonly kind: 'fleet'; readonly instances: number; readonly workers: readonly WorkerReport[] }
  | { readonly kind: 'reload'; readonly ask: number }
  | { readonly kind: 'all-reloaded'; readonly request: number }
  | { readonly kind: 'stop'; readonly signal: string; readonly atOnce: boolean };
