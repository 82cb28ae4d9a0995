/** Standard input: when entries go out, and that the output neither changes nor slows what passes through. */
import { PassThrough, Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createFeed, tellFailures } from '../../src/cli/feed.ts'
import { followInput } from '../../src/cli/stdin.ts'
import type { LogRecord } from '../../src/log.ts'

const utf8 = new TextEncoder()

interface Taken {
  readonly messages: string[]
  append(records: readonly LogRecord[]): Promise<void>
}

function collect(): Taken {
  const messages: string[] = []
  return {
    messages,
    append: async (records) => void messages.push(...records.map(({ entry }) => entry.message)),
  }
}

/** An output that takes nothing until it is told to. */
function stuckOutput(): { readonly output: Writable; readonly taken: Buffer[]; release(): void } {
  const taken: Buffer[] = []
  let go: (() => void) | undefined
  let isFree = false
  const output = new Writable({
    write(chunk, _, done) {
      taken.push(chunk)
      if (isFree) done()
      else go = done
    },
  })
  return {
    output,
    taken,
    release() {
      isFree = true
      go?.()
    },
  }
}

const turns = async (count = 20): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate)
}

describe('a feed', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('holds the last line for a moment, and joins what comes by then', async () => {
    const { messages, append } = collect()
    const feed = createFeed(append)
    await feed.push(utf8.encode('first\nError: x\n'))
    expect(messages).toEqual(['first'])
    await vi.advanceTimersByTimeAsync(30)
    await feed.push(utf8.encode('    at f (a.js:1:1)\n'))
    await vi.advanceTimersByTimeAsync(30)
    expect(messages).toEqual(['first'])
    await vi.advanceTimersByTimeAsync(20)
    expect(messages).toEqual(['first', 'Error: x\n    at f (a.js:1:1)'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('does not hold it longer than a quarter of a second, whatever goes on coming', async () => {
    const { messages, append } = collect()
    const feed = createFeed(append)
    await feed.push(utf8.encode('head\n'))
    for (let line = 0; line < 20; line++) {
      await vi.advanceTimersByTimeAsync(20)
      await feed.push(utf8.encode(`  ${line}\n`))
      if (line === 13) expect(messages).toHaveLength(1)
    }
    await feed.end()
    expect(messages.join('\n').split('\n')).toEqual(['head', ...Array.from({ length: 20 }, (_, line) => `  ${line}`)])
    expect(messages).toHaveLength(2)
  })

  it('tells what an append failed with, also one that a timer made', async () => {
    const feed = createFeed(() => Promise.reject(new Error('closed')))
    await feed.push(utf8.encode('line\n'))
    await vi.advanceTimersByTimeAsync(100)
    await expect(feed.push(utf8.encode('next\n'))).rejects.toThrow('closed')
    await expect(feed.end()).rejects.toThrow('closed')
  })
})

describe('standard input', () => {
  it('is taken while its output is stuck, up to the bound and no further', async () => {
    const { messages, append } = collect()
    const input = new PassThrough()
    const { output, taken, release } = stuckOutput()
    const done = followInput(input, output, append, 10_000)
    const lines = Array.from({ length: 300 }, (_, n) => `${String(n).padStart(99, '.')}\n`)
    for (const line of lines) {
      input.write(line)
      await turns(2)
    }
    // Nobody reads the output, but the watchers see all that was taken.
    expect(output.writableLength).toBeGreaterThan(10_000)
    expect(output.writableLength).toBeLessThanOrEqual(10_100)
    await expect.poll(() => messages.length).toBe(101)
    release()
    input.end()
    await done
    expect(Buffer.concat(taken).toString()).toBe(lines.join(''))
    expect(messages).toHaveLength(300)
  })

  it('is passed through at once while entries wait to be stored, up to the bound', async () => {
    const input = new PassThrough()
    const output = new PassThrough()
    let release: () => void = () => {}
    const stored = new Promise<void>((resolve) => {
      release = resolve
    })
    const done = followInput(input, output, () => stored, 10_000)
    for (let line = 0; line < 300; line++) {
      input.write(`${String(line).padStart(99, '.')}\n`)
      await turns(2)
    }
    output.resume()
    await turns()
    expect(input.readableLength).toBeGreaterThan(15_000)
    expect(input.isPaused()).toBe(true)
    release()
    input.end()
    await done
    expect(input.readableLength).toBe(0)
  })

  it('is not over before the output has taken all', async () => {
    const { append } = collect()
    const input = new PassThrough()
    const { output, release } = stuckOutput()
    let isOver = false
    const done = followInput(input, output, append).then(() => {
      isOver = true
    })
    input.end('one\n')
    await turns()
    expect(isOver).toBe(false)
    release()
    await done
  })

  it('goes on when whoever read the output has gone', async () => {
    const { messages, append } = collect()
    const input = new PassThrough()
    const { output } = stuckOutput()
    const done = followInput(input, output, append, 100)
    input.write(`${'a'.repeat(500)}\n`)
    await turns()
    expect(input.isPaused()).toBe(true)
    output.destroy(new Error('EPIPE'))
    await turns()
    input.end('two\n')
    await done
    expect(messages).toEqual(['a'.repeat(500), 'two'])
  })

  it('fails with what its reading failed with, after what came before', async () => {
    const { messages, append } = collect()
    const input = new PassThrough()
    const done = followInput(input, new PassThrough().resume(), append)
    input.write('one\ntwo')
    await turns()
    input.destroy(new Error('EIO'))
    await expect(done).rejects.toThrow('EIO')
    expect(messages).toEqual(['one', 'two'])
  })

  it('may be no UTF-8: the bytes stay as they are', async () => {
    const { messages, append } = collect()
    const input = new PassThrough()
    const output = new PassThrough()
    const bytes = Buffer.from([0x61, 0xff, 0x00, 0x0d, 0x0a, 0xe2, 0x82])
    const done = followInput(input, output, append)
    input.write(bytes.subarray(0, 6))
    input.end(bytes.subarray(6))
    await done
    expect(output.read()).toEqual(bytes)
    expect(messages).toEqual(['a\ufffd\0', '\ufffd'])
  })
})

describe('an append that fails', () => {
  it('is told once, with what it cost when it is over', async () => {
    const { messages, append } = collect()
    const told: string[] = []
    let isAway = true
    const failing = tellFailures(
      (records) => (isAway ? Promise.reject(new Error('It is away.')) : append(records)),
      (sentence) => told.push(sentence),
    )
    const feed = createFeed(failing)
    for (const line of ['a', 'b']) {
      await feed.push(utf8.encode(line))
      await feed.end()
    }
    expect(told).toEqual(['What is read is not stored now. It is away.'])
    isAway = false
    await feed.push(utf8.encode('c\nd\n'))
    await feed.end()
    expect(told).toEqual([told[0], 'Entries are stored again. Not stored: 2.'])
    expect(messages).toEqual(['c', 'd'])
  })

  it('cuts nothing that passes through', async () => {
    const [input, output] = [new PassThrough(), new PassThrough()]
    const away = tellFailures(
      () => Promise.reject(new Error('It is away.')),
      () => {},
    )
    const ended = followInput(input, output, away)
    for (const line of ['a', 'b', 'c']) {
      input.write(`${line}\n`)
      await turns()
    }
    input.end()
    await ended
    expect(output.read().toString()).toBe('a\nb\nc\n')
  })
})
