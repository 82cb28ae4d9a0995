import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Server, startServer } from '../../../src/node/server.ts'
import { sqliteStreams } from '../../../src/node/sqlite-streams.ts'
import { createRecord } from '../../../src/normalize.ts'
import { readSettings } from '../../../src/settings.ts'
import { LENT_MS } from '../../../src/streams.ts'
import { testDirectory } from '../../conformance/directory.ts'

const folder = mkdtempSync(join(tmpdir(), 'edgetail-'))
afterAll(() => rmSync(folder, { recursive: true }))

testDirectory('SQLite', async (place) => sqliteStreams({ path: join(folder, `${place}.db`), retain: 50 }))

const bearer = { Authorization: 'Bearer secret' }

async function start(data: string, max = '3'): Promise<Server> {
  const env = { PORT: '0', EDGETAIL_TOKEN: 'secret', EDGETAIL_DATA: join(folder, data), EDGETAIL_MAX_STREAMS: max }
  const server = await startServer(readSettings(env))
  onTestFinished(() => server.close())
  return server
}

const call = ({ origin }: Server, path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${origin}/monitor${path}`, { ...init, headers: { ...bearer, 'Content-Type': 'application/json' } })
const write = async (server: Server, name: string, message: string): Promise<number> =>
  (await call(server, `/s/${name}/logs`, { method: 'POST', body: JSON.stringify({ message }) })).status
const stored = async (server: Server, path: string): Promise<string[]> => {
  const page = (await (await call(server, path)).json()) as { entries: { message: string }[] }
  return page.entries.map(({ message }) => message)
}
const namesOf = async (server: Server): Promise<string[]> => {
  const { streams } = (await (await call(server, '/streams')).json()) as { streams: { name: string }[] }
  return streams.map(({ name }) => name)
}

describe('named streams in files', () => {
  it('are there again after a restart, with their entries', async () => {
    const before = await start('again.db')
    await call(before, '/logs', { method: 'POST', body: '{"message":"of the base"}' })
    expect([await write(before, 'shop', 'of the shop'), await write(before, 'a.b', 'of a.b')]).toEqual([202, 202])
    await before.close()
    mkdirSync(join(folder, 'again.db-streams', 'folder.db'))
    const after = await start('again.db')
    expect(await namesOf(after)).toEqual(['a.b', 'default', 'shop'])
    expect(await stored(after, '/s/shop/logs')).toEqual(['of the shop'])
    expect(await stored(after, '/s/a.b/logs')).toEqual(['of a.b'])
    expect(await stored(after, '/logs')).toEqual(['of the base'])
    expect(readdirSync(join(folder, 'again.db-streams')).filter((name) => name.endsWith('.db'))).toEqual([
      'a.b.db',
      'folder.db',
      'shop.db',
    ])
  })

  it('that an earlier run made for somebody who only looked give their place away, and no others do', async () => {
    const before = await start('looked.db')
    for (const name of ['looked-1', 'looked-2']) await call(before, `/s/${name}/logs`)
    await write(before, 'written', 'x')
    await before.close()
    const after = await start('looked.db')
    expect(await namesOf(after)).toEqual(['default', 'looked-1', 'looked-2', 'written'])
    // Somebody is there again for this one.
    await call(after, '/s/looked-1/logs')
    await write(after, 'looked-1', 'now')
    expect(await write(after, 'new-1', 'x')).toBe(202)
    expect(await write(after, 'new-2', 'x')).toBe(507)
    expect(await namesOf(after)).toEqual(['default', 'looked-1', 'new-1', 'written'])
    expect(existsSync(join(folder, 'looked.db-streams', 'looked-2.db'))).toBe(false)
    expect(await stored(after, '/s/written/logs')).toEqual(['x'])
  })

  it('that are damaged do no harm to the others', async () => {
    const before = await start('damaged.db')
    await write(before, 'good', 'x')
    await before.close()
    writeFileSync(join(folder, 'damaged.db-streams', 'bad.db'), 'no database '.repeat(1000))
    writeFileSync(join(folder, 'damaged.db-streams', 'No Name.db'), '')
    const after = await start('damaged.db', '2')
    const printed = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => printed.mockRestore())
    const response = await call(after, '/s/bad/logs')
    expect(response.status).toBe(503)
    expect(await response.text()).not.toContain(folder)
    expect(printed.mock.calls.join()).toContain('is no SQLite database')
    expect(await stored(after, '/s/good/logs')).toEqual(['x'])
    // Nobody knows what is in it, so it is not deleted.
    expect(await write(after, 'new', 'x')).toBe(507)
    expect(existsSync(join(folder, 'damaged.db-streams', 'bad.db'))).toBe(true)
  })

  it('make no folder before the first is used', async () => {
    await start('none.db')
    expect(existsSync(join(folder, 'none.db-streams'))).toBe(false)
  })
})

describe('a place that was lent', () => {
  afterEach(() => void vi.useRealTimers())

  it('keeps its file while that is open, also when something that lasts took the place', async () => {
    const path = join(folder, 'taken.db')
    const directory = sqliteStreams({ path })
    for (const name of ['one', 'two', 'three']) await directory.claim(name, { lasting: false, max: 3 })
    const [one, two] = [directory.open('one'), directory.open('two')]
    await directory.open('three').close()
    for (const name of ['a', 'b', 'c']) await directory.claim(name, { lasting: true, max: 3 })
    expect(readdirSync(`${path}-streams`).filter((file) => file.endsWith('.db'))).toEqual(['one.db', 'two.db'])
    await directory.claim('one', { lasting: true, max: 4 })
    await one.append([createRecord('info', 'at last', {})])
    await Promise.all([one.close(), two.close()])
    expect(readdirSync(`${path}-streams`)).toEqual(['one.db'])
    const again = directory.open('one')
    onTestFinished(() => again.close())
    expect((await again.history({ tail: 5 })).entries.map(({ message }) => message)).toEqual(['at last'])
  })

  it('leaves no file behind when another name gets it', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const path = join(folder, 'lent.db')
    const directory = sqliteStreams({ path })
    await directory.claim('lent', { lasting: false, max: 1 })
    await directory.open('lent').close()
    expect(readdirSync(`${path}-streams`)).toEqual(['lent.db'])
    vi.advanceTimersByTime(LENT_MS)
    await directory.claim('next', { lasting: true, max: 1 })
    expect(readdirSync(`${path}-streams`)).toEqual([])
    const next = directory.open('next')
    await next.append([createRecord('info', 'x', {})])
    await next.close()
    expect(await directory.list()).toEqual(['next'])
  })
})
