import { type Schemas } from './api.js';

/** The admin API has refused something, and says why. */
export class AdminProblem extends Error {
  constructor(readonly problem: Schemas['Problem']) {
    super(problem.detail);
  }
}

/** Something has answered that does not speak as the admin API does. */
export class NotTheAdminApi extends Error {
  constructor(readonly status: number) {
    super(`an answer with status ${status} that is not one of the admin API`);
  }
}
