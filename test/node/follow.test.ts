/** Files that are followed, as programs and rotations treat them. */
import {
  appendFile,
  mkdir,
  mkdtemp,
  open,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { openFiles } from '../../src/cli/follow/index.ts'
import { readNames } from '../../src/cli/follow/names.ts'
import type { LogEntry } from '../../src/log.ts'
import { createRandom } from '../support/random.ts'

interface Followed {
  readonly entries: LogEntry[]
  readonly reports: string[]
  messages(): string[]
  /** Waits for so many entries. */
  have(count: number): Promise<void>
  stop(): Promise<void>
}

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgetail-follow-'))
  return () => rm(folder, { recursive: true })
})

const at = (name: string): string => join(folder, name)

async function follow(names: readonly string[], fromStart = false): Promise<Followed> {
  const entries: LogEntry[] = []
  const reports: string[] = []
  const files = await openFiles(readNames(names.map(at)), {
    fromStart,
    append: async (records) => void entries.push(...records.map(({ entry }) => entry)),
    report: (sentence) => void reports.push(sentence.replaceAll(folder, '')),
  })
  const stopping = new AbortController()
  const following = files.follow(stopping.signal)
  const stop = (): Promise<void> => {
    stopping.abort()
    return following
  }
  onTestFinished(stop)
  return {
    entries,
    reports,
    messages: () => entries.map(({ message }) => message),
    have: (count) => expect.poll(() => entries.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(count),
    stop,
  }
}

describe('a file', () => {
  it('is followed from its end, with its name in the context', async () => {
    await writeFile(at('a.log'), 'old\n')
    const followed = await follow(['a.log'])
    await appendFile(at('a.log'), 'ERROR new\n{"msg":"json","n":1}\n')
    await followed.have(2)
    expect(followed.entries).toMatchObject([
      { level: 'error', message: 'ERROR new', context: { file: at('a.log') } },
      { level: 'info', message: 'json', context: { file: at('a.log'), n: 1 } },
    ])
  })

  it('is read from its start when that is asked for', async () => {
    await writeFile(at('a.log'), 'old\r\nlast')
    const followed = await follow(['a.log'], true)
    await followed.have(1)
    await appendFile(at('a.log'), ' words\n')
    await followed.have(2)
    expect(followed.messages()).toEqual(['old', 'last words'])
  })

  it('begins with the line that is being written', async () => {
    await writeFile(at('a.log'), 'old\nhalf a')
    const followed = await follow(['a.log'])
    await appendFile(at('a.log'), ' line\n')
    await followed.have(1)
    expect(followed.messages()).toEqual(['half a line'])
  })

  it('may be written a byte at a time, also inside a character, and ends with what is unfinished', async () => {
    await writeFile(at('a.log'), '')
    const followed = await follow(['a.log'])
    const file = await open(at('a.log'), 'a')
    for (const byte of Buffer.from('ü😀\nüü')) {
      await file.write(Uint8Array.of(byte))
      await sleep(25)
    }
    await file.close()
    await followed.stop()
    expect(followed.messages()).toEqual(['ü😀', 'üü'])
  })

  it('is read to its end before the one that takes its place, also what is written after the rename', async () => {
    await writeFile(at('a.log'), '')
    const followed = await follow(['a.log'])
    const writer = await open(at('a.log'), 'a')
    await writer.write('1\n')
    await followed.have(1)
    await rename(at('a.log'), at('a.log.1'))
    await writer.write('2\n')
    await writeFile(at('a.log'), '5\n')
    await writer.write('3\n')
    await sleep(100)
    await writer.write('4\nunfinished')
    await writer.close()
    await followed.have(6)
    expect(followed.messages()).toEqual(['1', '2', '3', '4', 'unfinished', '5'])
  })

  it('may be rotated more than once between two looks', async () => {
    await writeFile(at('a.log'), '')
    await writeFile(at('a.log.old'), 'of old\n')
    const followed = await follow(['a.log'])
    // File times move in steps of some milliseconds: by them the other one is older than what is written next.
    await sleep(50)
    await appendFile(at('a.log'), '1\n')
    for (let round = 2; round <= 6; round++) {
      for (let number = round; number > 1; number--) {
        await rename(at(`a.log.${number - 1}`), at(`a.log.${number}`)).catch(() => {})
      }
      await rename(at('a.log'), at('a.log.1'))
      await writeFile(at('a.log'), `${round}\n`)
    }
    await followed.have(6)
    await sleep(500)
    expect(followed.messages()).toEqual(['1', '2', '3', '4', '5', '6'])
  })

  it('that is copied beside itself before it is rotated is not read twice', async () => {
    await writeFile(at('a.log'), '1\n')
    const followed = await follow(['a.log'], true)
    await followed.have(1)
    await writeFile(at('a.log.bak'), await readFile(at('a.log')))
    await rename(at('a.log'), at('a.log.1'))
    await writeFile(at('a.log'), '2\n')
    await followed.have(2)
    await sleep(500)
    expect(followed.messages()).toEqual(['1', '2'])
  })

  it('is read from its start when it was emptied, and keeps the line that was cut off', async () => {
    await writeFile(at('a.log'), '')
    const followed = await follow(['a.log'])
    await appendFile(at('a.log'), 'one long line\nunfinished')
    await followed.have(1)
    await sleep(300)
    await truncate(at('a.log'))
    await sleep(300)
    await appendFile(at('a.log'), 'new\n')
    await followed.have(3)
    expect(followed.messages()).toEqual(['one long line', 'unfinished', 'new'])
  })

  it('may be deleted and come again', async () => {
    await writeFile(at('a.log'), '')
    const followed = await follow(['a.log'])
    await appendFile(at('a.log'), 'one\n')
    await followed.have(1)
    await unlink(at('a.log'))
    await sleep(300)
    await writeFile(at('a.log'), 'two\n')
    await followed.have(2)
    expect(followed.messages()).toEqual(['one', 'two'])
  })

  it('is followed once under two names', async () => {
    await writeFile(at('a.log'), '')
    await symlink(at('a.log'), at('b.log'))
    const followed = await follow(['a.log', 'b.log', '*.log'])
    await appendFile(at('a.log'), 'one\n')
    await followed.have(1)
    await sleep(300)
    expect(followed.messages()).toEqual(['one'])
  })

  it('that is large is read while others are followed', async () => {
    const lines = Array.from({ length: 60_000 }, (_, n) => `line ${n} ${'.'.repeat(100)}`)
    await writeFile(at('a.log'), `${lines.join('\n')}\n`)
    const followed = await follow(['a.log'], true)
    await followed.have(lines.length)
    expect(followed.messages()).toEqual(lines)
  }, 30_000)
})

describe('a pattern', () => {
  it('finds files that come later, from their start, and no compressed ones', async () => {
    await mkdir(at('logs'))
    await writeFile(at('logs/a.log'), 'old\n')
    const followed = await follow(['logs/*.log*'])
    await appendFile(at('logs/a.log'), 'a\n')
    await followed.have(1)
    await writeFile(at('logs/b.log'), 'b\n')
    await writeFile(at('logs/b.log.gz'), 'packed\n')
    await followed.have(2)
    expect(followed.entries.map(({ message, context }) => [message, context.file])).toEqual([
      ['a', at('logs/a.log')],
      ['b', at('logs/b.log')],
    ])
  })

  it('that also matches rotated files reads nothing twice', async () => {
    await writeFile(at('a.log'), '')
    const followed = await follow(['a.log*'])
    for (let round = 1; round <= 3; round++) {
      await appendFile(at('a.log'), `${round}\n`)
      await rename(at('a.log.1'), at('a.log.2')).catch(() => {})
      await rename(at('a.log'), at('a.log.1'))
      await writeFile(at('a.log'), '')
      await sleep(1200)
    }
    await followed.have(3)
    expect(followed.messages()).toEqual(['1', '2', '3'])
  }, 15_000)

  it('that matches nothing yet is told', async () => {
    const followed = await follow(['*.log'])
    expect(followed.reports).toEqual(['No file matches /*.log yet. Those that come are followed.'])
    await writeFile(at('a.log'), 'one\n')
    await followed.have(1)
  })

  it('is a path where a file is named so', async () => {
    await writeFile(at('[a].log'), '')
    expect(readNames([at('[a].log'), at('[b].log')])).toEqual({ paths: [at('[a].log')], patterns: [at('[b].log')] })
  })
})

describe('a name', () => {
  it.each([
    ['none.log', /none\.log does not exist\./],
    ['.', /is a directory\. Name its files/],
    ['none/none.log', /does not exist\./],
  ])('%s is refused in a sentence', (name, sentence) => {
    expect(() => readNames([at(name)])).toThrow(sentence)
  })

  it('of what is no file is refused', () => {
    expect(() => readNames(['/dev/null'])).toThrow('/dev/null is no regular file. Pipe it in: edgetail < /dev/null')
  })
})

it('a program that rotates 20 times at random moments: every line once, in order', async () => {
  const random = createRandom(20)
  const rotations = 20
  await writeFile(at('a.log'), '')
  const followed = await follow(['a.log'])
  let file = await open(at('a.log'), 'a')
  let written = 0
  for (let round = 0; round <= rotations; round++) {
    const until = performance.now() + random.int(0, 500)
    do {
      const lines = Array.from({ length: random.int(1, 200) }, () => `line ${written++}\n`)
      await file.write(lines.join(''))
      await sleep(random.int(1, 20))
    } while (performance.now() < until)
    if (round === rotations) break
    // None is deleted: what a busy machine comes too late for would be lost by whoever deletes it.
    for (let number = rotations; number > 1; number--) {
      await rename(at(`a.log.${number - 1}`), at(`a.log.${number}`)).catch(() => {})
    }
    await rename(at('a.log'), at('a.log.1'))
    // Programs notice late: what they write goes to the old file.
    if (random.chance(0.5)) await file.write(`line ${written++}\n`)
    const next = await open(at('a.log'), 'a')
    await file.close()
    file = next
  }
  await file.close()
  await expect.poll(() => followed.entries.length, { timeout: 40_000 }).toBe(written)
  expect(followed.messages()).toEqual(Array.from({ length: written }, (_, n) => `line ${n}`))
}, 60_000)
