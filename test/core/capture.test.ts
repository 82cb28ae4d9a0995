/** What is printed becomes entries, on both runtimes. */
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { captureConsole } from '../../src/capture.ts'
import { createPushClient } from '../../src/client/push.ts'
import { formatConsole } from '../../src/console-format.ts'
import { createMonitor, type Level, memorySource } from '../../src/index.ts'
import { inspect } from '../../src/inspect.ts'

interface Logged {
  level: Level
  message: string
  context: Record<string, unknown>
}

/** A console that only notes what it was asked to print, and a logger that notes what it was given. */
function bench(log?: (entry: Logged) => void) {
  const printed: [method: string, ...args: unknown[]][] = []
  const logged: Logged[] = []
  const note =
    (method: string) =>
    (...args: unknown[]) =>
      void printed.push([method, ...args])
  const target = {
    ...{ trace: note('trace'), debug: note('debug'), log: note('log'), info: note('info') },
    ...{ dir: note('dir'), warn: note('warn'), error: note('error'), assert: note('assert') },
  }
  const logger = {
    log(level: Level, message: string, context?: unknown) {
      logged.push({ level, message, context: context as Record<string, unknown> })
      log?.(logged.at(-1) as Logged)
    },
  }
  return { printed, logged, target, logger }
}

describe('captureConsole', () => {
  it('does not loop when the source of the captured monitor fails', async () => {
    const printed = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => printed.mockRestore())
    const append = (): Promise<never> => Promise.reject(new Error('down'))
    const restore = captureConsole(createMonitor({ source: { ...memorySource(), append }, token: 'secret' }))
    console.error('one')
    await new Promise((resolve) => setTimeout(resolve, 100))
    restore()
    expect(printed).toHaveBeenCalledTimes(2)
  })

  it('logs what each method prints, at its level, and prints it unchanged', () => {
    const { printed, logged, target, logger } = bench()
    captureConsole(logger, { target })
    const object = { orderId: 7 }
    target.log('order %d for %s', 7, 'Ann', object)
    target.info('i')
    target.debug('d')
    target.warn('w')
    target.error('e')
    target.dir(object)
    target.assert(true, 'no')
    target.assert(false, 'sum is %d', 3)
    target.assert(false)
    expect(logged).toEqual([
      { level: 'info', message: 'order 7 for Ann { orderId: 7 }', context: {} },
      { level: 'info', message: 'i', context: {} },
      { level: 'debug', message: 'd', context: {} },
      { level: 'warn', message: 'w', context: {} },
      { level: 'error', message: 'e', context: {} },
      { level: 'info', message: '{ orderId: 7 }', context: {} },
      { level: 'error', message: 'Assertion failed: sum is 3', context: {} },
      { level: 'error', message: 'Assertion failed', context: {} },
    ])
    expect(printed[0]).toEqual(['log', 'order %d for %s', 7, 'Ann', object])
    expect(printed.map(([method]) => method)).toEqual([
      ...['log', 'info', 'debug', 'warn', 'error', 'dir', 'assert', 'assert', 'assert'],
    ])
  })

  it('keeps errors with their stacks, and says where a trace was', () => {
    const { logged, target, logger } = bench()
    captureConsole(logger, { target })
    const error = new TypeError('boom', { cause: new Error('why') })
    const second = new Error('two')
    target.error('failed:', error, 'and', second)
    target.error(error)
    target.trace('here')
    expect(logged[0]).toEqual({
      level: 'error',
      message: 'failed: TypeError: boom and Error: two',
      context: { err: error, errors: [second] },
    })
    expect(logged[1]).toMatchObject({ message: 'TypeError: boom', context: { err: error } })
    expect(logged[2]).toMatchObject({ level: 'trace', message: 'here' })
    expect(String(logged[2]?.context.stack).split('\n')[0]).toContain('capture.test')
  })

  it('uses other levels where asked', () => {
    const { logged, target, logger } = bench()
    captureConsole(logger, { target, levels: { log: 'debug' } })
    target.log('x')
    target.info('y')
    expect(logged.map(({ level }) => level)).toEqual(['debug', 'info'])
  })

  it('does not loop when the logger prints, and survives one that throws', () => {
    const { printed, logged, target, logger } = bench(({ message }) => {
      target.warn(`logging ${message}`)
      throw new Error('cannot log')
    })
    // Where the failure of the logger is told.
    const told = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => told.mockRestore())
    captureConsole(logger, { target })
    target.log('a')
    target.log('b')
    expect(printed.map(([, text]) => text)).toEqual(['a', 'logging a', 'b', 'logging b'])
    expect(logged.map(({ message }) => message)).toEqual(['a', 'b'])
    expect(told).toHaveBeenCalledTimes(2)
  })

  it('logs once what one method prints by another, as assert does on Node', () => {
    const { printed, logged, target, logger } = bench()
    target.assert = (_condition, ...rest) => target.warn(...rest)
    captureConsole(logger, { target })
    target.assert(false, 'sum')
    expect(printed).toEqual([['warn', 'sum']])
    expect(logged.map(({ message }) => message)).toEqual(['Assertion failed: sum'])
  })

  it('gives a method back unless another was put on top', () => {
    const { printed, logged, target, logger } = bench()
    const { log, warn } = target
    const restore = captureConsole(logger, { target })
    const onTop = target.warn
    target.warn = (...args) => onTop('on top', ...args)
    const mine = target.warn
    restore()
    expect(target.log).toBe(log)
    expect(target.warn).toBe(mine)
    expect(target.warn).not.toBe(warn)
    target.log('x')
    target.warn('y')
    expect(printed).toEqual([
      ['log', 'x'],
      ['warn', 'on top', 'y'],
    ])
    expect(logged).toEqual([])
  })

  it('lets two captures log once each and print once', () => {
    const first = bench()
    const second = bench()
    const restoreFirst = captureConsole(first.logger, { target: first.target })
    const restoreSecond = captureConsole(second.logger, { target: first.target })
    first.target.log('x')
    expect([first.printed.length, first.logged.length, second.logged.length]).toEqual([1, 1, 1])
    restoreSecond()
    restoreFirst()
    first.target.log('y')
    expect([first.printed.length, first.logged.length, second.logged.length]).toEqual([2, 1, 1])
  })

  it('captures the real console into a monitor', async () => {
    const printed = vi.spyOn(console, 'log').mockImplementation(() => {})
    onTestFinished(() => printed.mockRestore())
    const monitor = createMonitor({ source: memorySource(), token: 'secret' })
    const restore = captureConsole(monitor, { target: console })
    onTestFinished(restore)
    console.log('from the console', { a: [1] }, new RangeError('too far'))
    restore()
    console.log('not this')
    expect(printed).toHaveBeenCalledTimes(2)
    expect(await monitor.getLastLogs()).toMatchObject([
      {
        level: 'info',
        message: 'from the console { a: [ 1 ] } RangeError: too far',
        context: { err: { type: 'RangeError', message: 'too far', stack: expect.stringContaining('RangeError') } },
      },
    ])
    await monitor.close()
  })

  it('captures nothing that a push client says of its own failures', async () => {
    const printed: unknown[] = []
    const { target } = bench()
    target.error = (...args) => void printed.push(args.join(' '))
    const client = createPushClient({
      url: 'http://receiver.test/monitor',
      fetch: async () => {
        throw new Error('down')
      },
      onError: (error) => target.error('told:', error),
    })
    onTestFinished(captureConsole(client, { target }))
    target.error('one')
    await client.flush(50)
    expect(client.stats().pending).toBe(1)
    await client.close(0)
    expect(printed).toEqual([
      'one',
      expect.stringMatching(/told: .*cannot be reached/),
      expect.stringContaining('told'),
    ])
  })
})

describe('values in a message', () => {
  it('are shown whatever they are, without a throw', () => {
    const broken = {
      get a(): never {
        throw new Error('no')
      },
      toString(): never {
        throw new Error('no')
      },
    }
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    expect(inspect(broken)).toBe('{ a: [Getter], toString: [Function: toString] }')
    expect(formatConsole(['%s %d %i %f %j %o %O', ...Array(7).fill(broken)]).message).toContain('[unreadable]')
    expect(inspect(proxy)).toBe('[unreadable]')
    expect(formatConsole(['%s', proxy]).message).toContain('[unreadable]')
    const deep = JSON.parse('['.repeat(5000) + ']'.repeat(5000)) as unknown
    expect(inspect(deep, { depth: Number.POSITIVE_INFINITY })).toMatch(/^\[/)
  })
})
