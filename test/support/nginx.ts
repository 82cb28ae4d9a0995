/** Debian's nginx, as a plain program with its own folder and configuration. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from './free-port.ts'

const PATH = process.env.NGINX_PATH ?? '/usr/sbin/nginx'

/** Why nginx tests cannot run here; undefined when they can. In CI a missing nginx fails instead. */
export const NO_NGINX: string | undefined =
  existsSync(PATH) || process.env.CI ? undefined : `skipped: no nginx at ${PATH} (set NGINX_PATH)`

/** An nginx that listens. */
export interface Nginx {
  /** Plain HTTP/1.1. */
  readonly http: string
  /** HTTP/2 over TLS, with a certificate of its own making. */
  readonly https: string
  /** The file of its access log, in the format `combined`. */
  readonly accessLog: string
  close(): Promise<void>
}

/** Starts it before a server, or several that take turns, with nothing said about them but where they are. */
export async function startNginx(...targets: string[]): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), 'edgetail-nginx-'))
  const [plain, secure] = [await freePort(), await freePort()]
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'],
    ...['-subj', '/CN=127.0.0.1', '-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')],
  ])
  // What is not about SSE: where it may write, that it stays in front, and as whom it works.
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off;
     user ${userInfo().username};
     pid ${folder}/pid;
     error_log stderr;
     events {}
     http {
       access_log ${folder}/access.log combined;
       client_body_temp_path ${folder}/body;
       proxy_temp_path ${folder}/proxy;
       fastcgi_temp_path ${folder}/fastcgi;
       uwsgi_temp_path ${folder}/uwsgi;
       scgi_temp_path ${folder}/scgi;
       upstream servers { ${targets.map((target) => `server ${new URL(target).host};`).join(' ')} }
       server {
         listen 127.0.0.1:${plain};
         listen 127.0.0.1:${secure} ssl http2;
         ssl_certificate cert.pem;
         ssl_certificate_key key.pem;
         location / { proxy_pass http://servers; }
       }
     }`,
  )
  const child = spawn(PATH, ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  child.on('error', (error) => {
    errors += error.message
  })
  const http = `http://127.0.0.1:${plain}`
  for (let tries = 0; !(await fetch(http).catch(() => undefined)); tries++) {
    if (tries > 100 || child.exitCode !== null || child.pid === undefined)
      throw new Error(`nginx did not start:\n${errors}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    http,
    https: `https://127.0.0.1:${secure}`,
    accessLog: join(folder, 'access.log'),
    async close() {
      const gone = once(child, 'exit')
      if (child.exitCode === null && child.kill('SIGTERM')) await gone
      await rm(folder, { recursive: true })
    },
  }
}
