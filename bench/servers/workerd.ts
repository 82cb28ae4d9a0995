/**
 * edgetail's Worker as it is deployed, on workerd itself: the bundle of a dry-run deploy and a configuration of our own.
 * `wrangler dev` would put its proxy in between, which costs more than what is measured.
 */
import { startMonitorWorkerd } from '../../test/support/monitor-workerd.ts'
import type { Workerd } from '../../test/support/workerd.ts'
import { CORES, start } from '../processes.ts'
import type { Started } from '../servers.ts'

/** Builds the bundle and starts workerd with it. Its objects are kept on disk, in a folder that goes when it stops. */
export async function workerd(token: string): Promise<Started> {
  const { origins, pid, stop } = await startMonitorWorker(token, { EDGETAIL_MAX_CLIENTS: '100000' })
  return { origin: origins.main as string, pid, stop }
}

/** The Worker, with the folder of its objects; `counted.toml` is the one that counts requests. */
export function startMonitorWorker(
  token: string,
  settings: Readonly<Record<string, string>>,
  config?: string,
): Promise<Workerd> {
  return startMonitorWorkerd({ EDGETAIL_TOKEN: token, ...settings }, config, {
    launch: (program, args) => start({ program, args }, CORES?.server),
    v8Flags: [],
  })
}
