/**
 * Where rows stand. All are equally high but the few that are unfolded, whose height is known too: so nothing is measured,
 * and a hundred thousand rows cost no more than ten. (TanStack Virtual keeps a measurement per row and makes all of them anew
 * when the first row goes, which here happens many times a second.)
 */

/** Pixels that a row is higher than the others. */
export interface Extra {
  readonly row: number
  readonly px: number
}

/** Rows on the screen. */
export interface Layout {
  /** Of everything, in pixels. */
  readonly height: number
  top(row: number): number
  /** The row at a distance from the top, in pixels. */
  rowAt(y: number): number
}

/** @param extras - by row, ascending */
export function layOut(length: number, rowHeight: number, extras: readonly Extra[]): Layout {
  const top = (row: number): number => {
    let y = row * rowHeight
    for (const extra of extras) {
      if (extra.row >= row) break
      y += extra.px
    }
    return y
  }
  return {
    height: top(length),
    top,
    rowAt(y) {
      let above = 0
      for (const { row, px } of extras) {
        if (y < (row + 1) * rowHeight + above) break
        if (y < (row + 1) * rowHeight + above + px) return row
        above += px
      }
      return Math.min(Math.max(0, length - 1), Math.max(0, Math.floor((y - above) / rowHeight)))
    },
  }
}
