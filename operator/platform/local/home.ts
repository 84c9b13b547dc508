import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { ConfigError } from '../../../services/common/config/config.js';

/** The folder in which the local platform keeps everything, and the places in it. */
export interface Home {
  readonly root: string;
  /** Resources as YAML files, edited by people and by `tori apply`. */
  readonly resources: string;
  /** What the operator reports about each resource. */
  readonly status: string;
  /** `data/<track>/<service>`: what services keep. */
  readonly data: string;
  readonly logs: string;
  /** Process records, shard table, progress of drains. */
  readonly run: string;
  /** Builds that a MemoryCluster's `version` can name. */
  readonly versions: string;
  /** Secrets that manifests name: `<folder>/<name>/<key>`, made by people. */
  readonly secrets: string;
  readonly apiKeyFile: string;
  readonly internalTokenFile: string;
  readonly shardTableFile: string;
}

/** Where TORI_HOME points, without touching the disk. */
export function homeOf(env: NodeJS.ProcessEnv): Home {
  const root = resolve(env['TORI_HOME'] ?? join(homedir(), '.tori'));
  return {
    root,
    resources: join(root, 'resources'),
    status: join(root, 'status'),
    data: join(root, 'data'),
    logs: join(root, 'logs'),
    run: join(root, 'run'),
    versions: join(root, 'versions'),
    secrets: join(root, 'secrets'),
    apiKeyFile: join(root, 'secrets', 'api-key'),
    internalTokenFile: join(root, 'secrets', 'internal-token'),
    shardTableFile: join(root, 'run', 'shard-table.json'),
  };
}

/**
 * Creates the folders and the two secrets where they are missing. Secrets are readable by their owner alone.
 * @throws ConfigError naming TORI_HOME when it cannot be created or written
 */
export function prepareHome(env: NodeJS.ProcessEnv): Home {
  const home = homeOf(env);
  try {
    for (const folder of [home.resources, home.status, home.data, home.logs, home.run, home.versions]) {
      mkdirSync(folder, { recursive: true });
    }
    mkdirSync(home.secrets, { recursive: true, mode: 0o700 });
    ensureSecret(home.apiKeyFile, 'tori_');
    ensureSecret(home.internalTokenFile, '');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`TORI_HOME = "${home.root}": ${reason}; expected a folder that can be written`, {
      cause,
    });
  }
  return home;
}

function ensureSecret(path: string, prefix: string): void {
  if (existsSync(path) && readFileSync(path, 'utf8').trim() !== '') return;
  writeFileSync(path, `${prefix}${randomBytes(24).toString('base64url')}\n`, { mode: 0o600 });
}
