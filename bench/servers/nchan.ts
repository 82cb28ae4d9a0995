/** nchan, the pub/sub module of nginx, as Debian packages it: one worker process, its history as long as edgetail's. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../test/support/free-port.ts'
import { CORES, start, stop } from '../processes.ts'
import type { BenchServer, Started } from '../servers.ts'
import { listening } from './ports.ts'

const NGINX = process.env.NGINX_PATH ?? '/usr/sbin/nginx'
const MODULE = process.env.NCHAN_PATH ?? '/usr/lib/nginx/modules/ngx_nchan_module.so'

/** It stores and frames a POST as one message, so bulk cannot be compared. */
export const nchan: Omit<BenchServer, 'collects'> = {
  name: 'nchan',
  streamPath: '/stream',
  publishPath: '/publish',
  // Names the event, so that it is as long on the wire as the others' are.
  headers: { 'X-EventSource-Event': 'log' },
  batches: false,
  filters: false,
  resumes: true,
  missing: () => [NGINX, MODULE].filter((path) => !existsSync(path)).map((path) => `there is no ${path}`)[0],
  start: startNchan,
}

async function startNchan(): Promise<Started> {
  const folder = await mkdtemp(join(tmpdir(), 'edgetail-bench-nchan-'))
  const port = await freePort()
  await writeFile(
    join(folder, 'nginx.conf'),
    `load_module ${MODULE};
     daemon off;
     user ${userInfo().username};
     pid ${folder}/pid;
     error_log stderr crit;
     worker_processes 1;
     worker_rlimit_nofile 20000;
     events { worker_connections 20000; }
     http {
       access_log off;
       client_body_temp_path ${folder}/body;
       proxy_temp_path ${folder}/proxy;
       fastcgi_temp_path ${folder}/fastcgi;
       uwsgi_temp_path ${folder}/uwsgi;
       scgi_temp_path ${folder}/scgi;
       keepalive_requests 10000000;
       nchan_shared_memory_size 256M;
       server {
         listen 127.0.0.1:${port} backlog=4096;
         location /publish {
           nchan_publisher;
           nchan_channel_id logs;
           nchan_message_buffer_length 10000;
           nchan_message_timeout 1h;
         }
         location /stream {
           nchan_subscriber eventsource;
           nchan_channel_id logs;
           nchan_subscriber_first_message newest;
         }
       }
     }`,
  )
  const args = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr']
  const child = start({ program: NGINX, args }, CORES?.server)
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
