// The data source of TypeORM's own commands: npm run typeorm -- migration:show
import { commandLineDataSource } from '#storage';

export default await commandLineDataSource(process.env);
