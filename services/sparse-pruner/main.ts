import { runService } from '../common/server/service.js';
import { sparsePruner } from './service.js';

await runService(sparsePruner);
