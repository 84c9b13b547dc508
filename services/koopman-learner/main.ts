import { runService } from '../common/server/service.js';
import { koopmanLearner } from './service.js';

await runService(koopmanLearner);
