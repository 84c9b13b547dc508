import { runProcess } from '../common/server/process.js';
import { gatewayName, startGateway } from './gateway.js';

await runProcess(gatewayName, () => startGateway(process.env));
