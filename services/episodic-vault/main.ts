import { runService } from '../common/server/service.js';
import { episodicVault } from './service.js';

await runService(episodicVault);
