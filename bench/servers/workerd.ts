/**
 * edgetail's Worker as it is deployed, on workerd itself: the bundle of a dry-run deploy and a configuration of our own.
 * `wrangler dev` would put its proxy in between, which costs more than what is measured.
 */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freePort } from '../../test/support/free-port.ts'
import { CORES, start, stop } from '../processes.ts'
import type { Started } from '../servers.ts'
import { listening } from './ports.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Has the workerd that the deploy would be checked with. */
const WRANGLER = createRequire(import.meta.url).resolve('wrangler/package.json')

/** Builds the bundle and starts workerd with it. Its objects are kept on disk, in a folder that goes when it stops. */
export async function workerd(token: string): Promise<Started> {
  const folder = await mkdtemp(join(tmpdir(), 'edgetail-bench-workerd-'))
  const port = await freePort()
  await promisify(execFile)(
    process.execPath,
    [join(dirname(WRANGLER), 'bin', 'wrangler.js'), 'deploy', '--dry-run', '--outdir', folder],
    {
      cwd: ROOT,
      env: { ...process.env, CI: '1', WRANGLER_SEND_METRICS: 'false' },
    },
  )
  await mkdir(join(folder, 'objects'))
  const toml = await readFile(join(ROOT, 'wrangler.toml'), 'utf8')
  const date = /^compatibility_date = (".*")$/m.exec(toml)?.[1]
  const flags = /^compatibility_flags = (\[.*\])$/m.exec(toml)?.[1] ?? '[]'
  await writeFile(
    join(folder, 'config.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
     const config :Workerd.Config = (
       services = [
         (name = "main", worker = .main),
         (name = "objects", disk = (path = "${folder}/objects", writable = true)),
       ],
       sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
     );
     const main :Workerd.Worker = (
       modules = [(name = "worker.js", esModule = embed "worker.js")],
       compatibilityDate = ${date},
       compatibilityFlags = ${flags},
       bindings = [
         (name = "EDGETAIL_TOKEN", text = "${token}"),
         (name = "EDGETAIL_MAX_CLIENTS", text = "100000"),
         (name = "LOG_ROOM", durableObjectNamespace = "LogRoom"),
       ],
       durableObjectNamespaces = [(className = "LogRoom", uniqueKey = "bench", enableSql = true)],
       durableObjectStorage = (localDisk = "objects"),
     );`,
  )
  const program = join(dirname(createRequire(WRANGLER).resolve('workerd/package.json')), 'bin', 'workerd')
  const child = start({ program, args: ['serve', join(folder, 'config.capnp')] }, CORES?.server)
  await listening(child, port)
  return {
    origin: `http://127.0.0.1:${port}`,
    pid: child.pid as number,
    async stop() {
      await stop(child)
      await rm(folder, { recursive: true })
    },
  }
}
