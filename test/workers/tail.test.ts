/** The Tail Worker's handler before a real log room. */
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import type { WorkerEnv } from '../../src/cloudflare/bindings.ts'
import { createTail, type TailOptions } from '../../src/cloudflare/tail.ts'
import type { LogEntry } from '../../src/log.ts'
import { durableObjectSource, type LogRoomNamespace } from '../../src/sources/durable-object.ts'

const rooms = (env as unknown as WorkerEnv).LOG_ROOM

/** The namespace with another object in place of each: the tests share it. */
function roomFor(name: string): LogRoomNamespace {
  return { idFromName: () => rooms.idFromName(name), get: (id) => rooms.get(id) }
}

/** Gives events to a tail and returns what is stored then. */
async function tail(
  name: string,
  events: object[],
  options?: TailOptions,
  bindings: Record<string, unknown> = {},
): Promise<LogEntry[]> {
  const LOG_ROOM = roomFor(name)
  await createTail(options).tail(events as TraceItem[], { LOG_ROOM, ...bindings })
  return stored(LOG_ROOM)
}

async function stored(namespace: LogRoomNamespace): Promise<LogEntry[]> {
  const { entries } = await durableObjectSource(namespace).history({ tail: 100 })
  return entries.map(({ id: _, ...entry }) => entry)
}

function printed(message: unknown, fields: object = {}): object {
  return {
    logs: [{ timestamp: 1_800_000_000_000, level: 'log', message: [message] }],
    exceptions: [],
    outcome: 'ok',
    ...fields,
  }
}

const messages = (entries: LogEntry[]): string[] => entries.map(({ message }) => message)

// A log room may take a second to come up, and more on a machine that is busy.
describe('createTail', { timeout: 30_000 }, () => {
  it('stores what each event tells, in order', async () => {
    const entries = await tail('order', [printed('one'), printed('two', { outcome: 'exceededCpu' }), printed('three')])
    expect(messages(entries)).toEqual(['one', 'two', 'invocation: exceededCpu', 'three'])
    expect(entries[0]?.ts).toBe('2027-01-15T08:00:00.000Z')
  })

  it('redacts as the monitor does, by the same setting', async () => {
    const event = printed({ message: 'x', password: 'hunter2', user: { email: 'a@b.example' } })
    expect((await tail('default paths', [event]))[0]?.context).toMatchObject({
      password: '[REDACTED]',
      user: { email: 'a@b.example' },
    })
    const more = { EDGETAIL_REDACT: 'context.user.email' }
    expect((await tail('more paths', [event], {}, more))[0]?.context).toMatchObject({
      password: '[REDACTED]',
      user: { email: '[REDACTED]' },
    })
    const [open] = await tail('none', [event], {}, { EDGETAIL_REDACT: 'off' })
    expect(open?.context).toMatchObject({ password: 'hunter2' })
  })

  it('leaves out what came of storing, of Tail Workers, and of scripts by name', async () => {
    const own = String(rooms.idFromName('feeding'))
    const events = [
      printed('of the room', { durableObjectId: own, scriptName: 'shop' }),
      printed('of another object', { durableObjectId: String(rooms.idFromName('another')), scriptName: 'shop' }),
      printed('of a tail', { event: { consumedEvents: [{ scriptName: 'shop' }] } }),
      printed('of the monitor', { scriptName: 'edgetail' }),
      printed('of its tail', { scriptName: 'edgetail-tail' }),
      printed('of the shop', { scriptName: 'shop' }),
    ]
    expect(messages(await tail('feeding', events))).toEqual(['of another object', 'of the shop'])
    const named = await tail('named', events.slice(3), { ignore: ['shop'] })
    expect(messages(named)).toEqual(['of the monitor', 'of its tail'])
  })

  it('tells of all invocations when asked to', async () => {
    const event = { event: { queue: 'mail', batchSize: 1 }, logs: [], exceptions: [], outcome: 'ok' }
    expect(messages(await tail('failed', [event]))).toEqual([])
    expect(messages(await tail('all', [event], { invocations: 'all' }))).toEqual(['queue mail: ok'])
  })

  it('tries again when the room cannot be reached, and stores once', async () => {
    const LOG_ROOM = roomFor('again')
    let calls = 0
    const flaky: LogRoomNamespace = {
      idFromName: LOG_ROOM.idFromName,
      get(id) {
        const room = LOG_ROOM.get(id) as { appendOnce(...args: unknown[]): Promise<string> }
        return {
          async appendOnce(...args: unknown[]) {
            calls++
            // The first does not arrive; of the second the answer is lost.
            if (calls === 1) throw new Error('Network connection lost.')
            const answer = await room.appendOnce(...args)
            if (calls === 2) throw new Error('Network connection lost.')
            return answer
          },
        }
      },
    }
    await createTail().tail([printed('once')] as TraceItem[], { LOG_ROOM: flaky })
    expect(calls).toBe(3)
    expect(messages(await stored(LOG_ROOM))).toEqual(['once'])
  })

  it('fails when the room stays away, so that it is counted', async () => {
    const gone: LogRoomNamespace = {
      idFromName: () => 'gone',
      get: () => ({ appendOnce: () => Promise.reject(new Error('Network connection lost.')) }),
    }
    await expect(createTail().tail([printed('x')] as TraceItem[], { LOG_ROOM: gone })).rejects.toMatchObject({
      code: 'source_unavailable',
    })
  })

  it('says which binding or setting is wrong', async () => {
    const nothing = {} as WorkerEnv
    await expect(createTail().tail([], nothing)).rejects.toThrow(/LOG_ROOM is missing/)
    const bad = { LOG_ROOM: rooms, EDGETAIL_REDACT: 'user.email' }
    await expect(createTail().tail([], bad)).rejects.toThrow(/EDGETAIL_REDACT lists paths/)
  })
})
