import { runService } from '../common/server/service.js';
import { sleepScheduler } from './service.js';

await runService(sleepScheduler);
