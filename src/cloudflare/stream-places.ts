/**
 * The places of named streams, in the SQLite of the default log's object, so that there is one limit for all Workers. Its table is
 * made with the first use: other rooms never have one.
 */

/** Who has a place, and until when. */
export class StreamPlaces {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
    sql.exec('CREATE TABLE IF NOT EXISTS streams (name TEXT PRIMARY KEY, until INTEGER) WITHOUT ROWID')
  }

  /** The names that have one. */
  list(): string[] {
    const rows = this.#sql.exec('SELECT name FROM streams WHERE until IS NULL OR until > ?', Date.now())
    return [...rows].map(({ name }) => String(name))
  }

  /**
   * Gives a name a place. What lasts takes that of the name that was lent one longest ago, where there is no other.
   *
   * @param until - in milliseconds since the epoch; null for good
   * @returns false when all are taken
   */
  claim(name: string, until: number | null, max: number): boolean {
    const [place] = this.#sql.exec('SELECT until FROM streams WHERE name = ?', name)
    if (place === undefined) {
      this.#sql.exec('DELETE FROM streams WHERE until <= ?', Date.now())
      const { places, lent } = this.#sql.exec('SELECT COUNT(*) AS places, COUNT(until) AS lent FROM streams').one()
      const over = Number(places) - max + 1
      if (over > (until === null ? Number(lent) : 0)) return false
      if (over > 0) {
        this.#sql.exec(
          `DELETE FROM streams WHERE name IN (SELECT name FROM streams WHERE until IS NOT NULL ORDER BY until LIMIT ${over})`,
        )
      }
    }
    // What lasts is never lent again, and need not be written again.
    if (place === undefined || place.until !== null) {
      this.#sql.exec('INSERT OR REPLACE INTO streams (name, until) VALUES (?, ?)', name, until)
    }
    return true
  }
}
