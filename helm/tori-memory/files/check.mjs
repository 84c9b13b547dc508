// What `helm test` runs: is the API served, is the operator ready, and does a memory system give back what is put into it?
// Settings come from the environment; a check whose URL is not set is left out. Ends with 1 when one fails.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const { API_URL, TOKEN_FILE, OPERATOR_URL, GATEWAY_URL, API_KEY_FILE, EPISODES = '20' } = process.env;
const tries = Number(process.env.TRIES ?? 30);

async function text(url, headers = {}) {
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(5_000) });
  const body = await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status} ${body.slice(0, 200)}`);
  return body;
}

async function apiServed() {
  const authorization = `Bearer ${readFileSync(TOKEN_FILE, 'utf8').trim()}`;
  const list = JSON.parse(await text(`${API_URL}/apis/memory.tori.dev/v1alpha1`, { authorization }));
  const served = list.resources.map(({ name }) => name);
  const missing = ['memoryclusters', 'tuningprofiles', 'memoryactions'].filter(
    (name) => !served.includes(name),
  );
  if (missing.length > 0) throw new Error(`the API server does not serve ${missing.join(', ')}`);
  return 'memory.tori.dev/v1alpha1 is served';
}

async function operatorReady() {
  await text(`${OPERATOR_URL}/readyz`);
  return 'the operator is ready';
}

async function memoryAnswers() {
  await text(`${GATEWAY_URL}/readyz`);
  const args = [
    'bin/tori.js',
    '--url',
    GATEWAY_URL,
    '--api-key-file',
    API_KEY_FILE,
    'put-get-loop',
    EPISODES,
  ];
  const { status, error, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`put-get-loop: ${error?.message ?? stderr.trim()}`);
  return `${EPISODES} episodes were put and came back\n${stdout.trim()}`;
}

/** A check that fails is tried again each second: the chart may have been installed a moment ago. */
async function run(check) {
  for (let attempt = 1; ; attempt++) {
    try {
      console.log(`ok: ${await check()}`);
      return true;
    } catch (error) {
      if (attempt < tries) {
        await sleep(1_000);
        continue;
      }
      console.error(`FAILED: ${error.message}${error.cause ? `: ${error.cause.message}` : ''}`);
      return false;
    }
  }
}

const checks = [
  ...(API_URL ? [apiServed] : []),
  ...(OPERATOR_URL ? [operatorReady] : []),
  ...(GATEWAY_URL ? [memoryAnswers] : []),
];
let good = true;
for (const check of checks) good = (await run(check)) && good;
process.exitCode = good ? 0 : 1;
