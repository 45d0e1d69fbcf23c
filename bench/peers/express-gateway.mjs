// express-gateway finds its two configuration files in the folder that contestants.mjs wrote them to.
import expressGateway from 'express-gateway';

await expressGateway().load(process.env.EG_CONFIG_DIR).run();
