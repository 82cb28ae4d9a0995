/** What is done to the servers. README.md says what each is for. */
import type { Workload } from './load/job.ts'
import type { BenchServer } from './servers.ts'

/** A workload under the name that `--only` takes; `scale` has one for each number of clients. */
export interface BenchWorkload extends Workload {
  readonly group: string
  /** Whether it says something about a server. */
  suits(server: BenchServer): boolean
}

const isNode = ({ name }: BenchServer): boolean => name !== 'edgetail-workerd'
const takesBulk = (server: BenchServer): boolean => isNode(server) && server.batches
const isEdgetail = ({ name }: BenchServer): boolean => name.startsWith('edgetail')

/** Numbers of clients, and the entries for each: about as many deliveries, so that the wide ends take no hour. */
const SCALE = [
  [10, 10_000],
  [100, 5_000],
  [1_000, 1_000],
  [5_000, 200],
] as const

/** All of them. */
export const WORKLOADS: readonly BenchWorkload[] = [
  flow({ group: 'wide', clients: 1000, entries: 2000, suits: isNode }),
  flow({ group: 'deep', clients: 3, entries: 200_000, batch: 1000, suits: takesBulk }),
  flow({ group: 'lone', clients: 10, entries: 200, pauseMs: 50, suits: isNode }),
  flow({ group: 'steady', clients: 1000, entries: 1000, pauseMs: 5, suits: isNode }),
  flow({ group: 'filtered', clients: 1000, entries: 2000, filters: 20, suits: (s) => isNode(s) && s.filters }),
  ...SCALE.map(([clients, entries]) =>
    flow({ group: 'scale', name: `scale ${clients}`, clients, entries, suits: isNode }),
  ),
  { name: 'idle', group: 'idle', kind: 'idle', clients: 5000, entries: 0, batch: 1, suits: isNode },
  { name: 'storm', group: 'storm', kind: 'storm', clients: 5000, entries: 20, batch: 1, suits: isNode },
  flow({ group: 'workerd50', clients: 50, entries: 20_000, batch: 100, suits: isEdgetail }),
]

/** What the guard runs: a part of a minute, and still long enough for the kernel's clock of CPU time. */
export const QUICK: readonly BenchWorkload[] = [
  flow({ group: 'wide', clients: 1000, entries: 1000, suits: isNode }),
  flow({ group: 'deep', clients: 3, entries: 100_000, batch: 1000, suits: takesBulk }),
]

function flow(
  workload: Omit<BenchWorkload, 'kind' | 'name' | 'batch'> & { readonly name?: string; readonly batch?: number },
): BenchWorkload {
  return { name: workload.group, batch: 1, ...workload, kind: 'flow' }
}
