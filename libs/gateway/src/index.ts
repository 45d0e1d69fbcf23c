export { GatewayModule } from './gateway.module.js';
export { FrontDoor, type Recorder, type Reserved } from './front-door.js';
export { CatchAllAdapter } from './nest/catch-all-adapter.js';
export { type Snapshot } from './snapshot.js';
export { SnapshotStore } from './snapshot-store.js';
export { type Route } from './route.js';
export { answerProblem } from './answer.js';
export { explainRequest, type RequestExplanation } from './explain-request.js';
export { RouteTable } from './routing/route-table.js';
