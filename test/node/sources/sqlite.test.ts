import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { type SqliteSourceOptions, sqliteSource } from '../../../src/node/sqlite.ts'
import { createRecord } from '../../../src/normalize.ts'
import type { LogSource, StreamItem } from '../../../src/source.ts'
import { type SqlDatabase, storedSource } from '../../../src/sources/stored.ts'
import { testSource } from '../../../src/testing/source.ts'

const folder = mkdtempSync(join(tmpdir(), 'edgetail-'))
afterAll(() => rmSync(folder, { recursive: true }))

testSource('SQLite', async (place) => sqliteSource({ path: join(folder, `${place}.db`), retain: 50 }), {
  retain: 50,
  durable: true,
})

function open(name: string, options: Partial<SqliteSourceOptions> = {}): LogSource {
  const source = sqliteSource({ path: join(folder, name), ...options })
  onTestFinished(() => source.close())
  return source
}

const records = (...messages: string[]) => messages.map((message) => createRecord('info', message, {}))

async function firstItem(source: LogSource, after: string): Promise<StreamItem | undefined> {
  const subscription = await source.subscribe({ after, signal: AbortSignal.timeout(5000) })
  for await (const item of subscription) return item
  return undefined
}

describe('sqliteSource', () => {
  it.each([
    ['a folder', 'folder', /folder is a folder\. Name a file in it/],
    ['in no folder', 'none/a.db', /There is no folder .*none for .*a\.db\. Make it first\./],
    ['no database', 'text.db', /text\.db is no SQLite database\. Choose another file\./],
    ['of another program', 'other.db', /other\.db is a database of another program\. Choose another file\./],
    ['in use', 'used.db', /used\.db is in use by another process\. Stop that one/],
  ])('refuses a path that is %s with one sentence', async (_kind, name, sentence) => {
    mkdirSync(join(folder, 'folder'), { recursive: true })
    writeFileSync(join(folder, 'text.db'), 'no database '.repeat(1000))
    const other = new DatabaseSync(join(folder, 'other.db'))
    other.exec('CREATE TABLE IF NOT EXISTS theirs (a)')
    other.close()
    if (name === 'used.db') open(name)
    expect(() => open(name)).toThrow(
      expect.objectContaining({ code: 'invalid_setting', message: expect.stringMatching(sentence) }),
    )
  })

  it.each([{ retain: 0 }, { retainBytes: 1.5 }, { retainMs: -1 }])('refuses %j', (options) => {
    expect(() => open('never.db', options)).toThrow(/is a whole number from 1/)
  })

  it('goes on in the same history after its process was killed, and begins a new one when the machine was', async () => {
    const source = open('crash.db')
    const [first] = await source.append(records('one', 'two'))
    // What the disk has of an open file is what a process that was killed leaves behind.
    for (const copy of ['killed.db', 'cut.db']) {
      for (const suffix of ['', '-wal']) copyFileSync(join(folder, `crash.db${suffix}`), join(folder, copy + suffix))
    }
    const boot = new DatabaseSync(join(folder, 'cut.db'))
    boot.exec("UPDATE opened SET boot = 'another'")
    boot.close()
    expect(await firstItem(open('killed.db'), first as string)).toMatchObject({ type: 'batch' })
    const cut = open('cut.db')
    expect(await firstItem(cut, first as string)).toMatchObject({ type: 'gap', reason: 'restarted', dropped: null })
    expect((await cut.history({ tail: 10 })).entries.map(({ message }) => message)).toEqual(['one', 'two'])
  })

  it('keeps what was stored with full synchronisation as one history, also when the machine was cut off', async () => {
    const source = open('full.db', { synchronous: 'full' })
    const [first] = await source.append(records('one', 'two'))
    for (const suffix of ['', '-wal'])
      copyFileSync(join(folder, `full.db${suffix}`), join(folder, `fullcut.db${suffix}`))
    const boot = new DatabaseSync(join(folder, 'fullcut.db'))
    boot.exec("UPDATE opened SET boot = 'another'")
    boot.close()
    expect(await firstItem(open('fullcut.db'), first as string)).toMatchObject({ type: 'batch' })
  })

  it('finds what was logged before without waiting for it', async () => {
    const source = open('unawaited.db')
    const stored = source.append(records('one'))
    expect((await source.history({ tail: 1 })).entries).toHaveLength(1)
    await stored
  })
})

describe('storedSource', () => {
  it('refuses what could not be stored, says why to its operator, and goes on with the next number', async () => {
    const database = new DatabaseSync(':memory:')
    let isFull = false
    const sql: SqlDatabase = {
      exec: (statement, ...values) =>
        database.prepare(statement).iterate(...values) as Iterable<Record<string, string | number | null>>,
      transaction(work) {
        database.exec('BEGIN')
        try {
          const result = work()
          if (isFull) throw new Error('database or disk is full')
          database.exec('COMMIT')
          return result
        } catch (error) {
          database.exec('ROLLBACK')
          throw error
        }
      },
      close: () => database.close(),
    }
    const told: unknown[] = []
    const source = storedSource(sql, { retain: 10 }, (error, stage) => told.push([String(error), stage]))
    onTestFinished(() => source.close())
    const [first] = await source.append(records('one'))
    isFull = true
    await expect(source.append(records('two'))).rejects.toMatchObject({ code: 'source_unavailable' })
    await expect(source.appendOnce('key', records('two'), 'a')).rejects.toMatchObject({ code: 'source_unavailable' })
    expect(told[0]).toEqual(['Error: database or disk is full', 'source'])
    isFull = false
    expect(await source.appendOnce('key', records('two'), 'b')).toBe('b')
    const { entries } = await source.history({ tail: 10 })
    expect(entries.map(({ message }) => message)).toEqual(['one', 'two'])
    expect(entries[1]?.id).toBe(first?.replace(/1$/, '2'))
  })
})
