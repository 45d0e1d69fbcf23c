export { type Operations, type Schemas } from './api.js';
export { type AdminClient, adminClient, type Arguments, type OperationName } from './client.js';
export { AdminProblem, NotTheAdminApi } from './refused.js';
