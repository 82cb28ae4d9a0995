/** From an expression as a tree to the program of a nondeterministic automaton (Thompson 1968). */
import type { Assertion, CharSet, RegexNode } from './regex-syntax.ts'

/** What an instruction does: it ends a match, takes a character of a set, goes on at two places, or asks what stands around. */
export const MATCH = 0
export const SET = 1
export const SPLIT = 2
const ASSERT = 3

/** Instructions, column by column. The first is the match. */
export interface Program {
  readonly operations: Uint8Array
  /** Where it goes on. */
  readonly next: Uint16Array
  /** The number of the set or of the assertion, or where a split goes on too. */
  readonly other: Uint16Array
  readonly sets: readonly CharSet[]
  readonly start: number
}

/** The assertions, by their numbers. */
export const ASSERTIONS: readonly Assertion[] = ['start', 'end', 'boundary', 'inside']

/** Compiles a tree. The program is as large as its parser said. */
export function createProgram(root: RegexNode): Program {
  const operations = [MATCH]
  const nexts = [0]
  const other = [0]
  const sets: CharSet[] = []
  const setNumbers = new Map<string, number>()

  function emit(operation: number, next: number, detail: number): number {
    nexts.push(next)
    other.push(detail)
    return operations.push(operation) - 1
  }

  function setNumber(set: CharSet): number {
    const key = `${set.negated}${set.ranges.join()}`
    const number = setNumbers.get(key) ?? sets.push(set) - 1
    setNumbers.set(key, number)
    return number
  }

  /** Compiles from the end, since every instruction names the one after it. */
  function compile(node: RegexNode, next: number): number {
    switch (node.type) {
      case 'set':
        return emit(SET, next, setNumber(node.set))
      case 'assert':
        return emit(ASSERT, next, ASSERTIONS.indexOf(node.assertion))
      case 'sequence':
        return node.nodes.reduceRight((after, part) => compile(part, after), next)
      case 'choice':
        return node.nodes.map((part) => compile(part, next)).reduceRight((after, first) => emit(SPLIT, after, first))
      case 'repeat':
        return compileRepeat(node, next)
    }
  }

  function compileRepeat({ node, min, max }: RegexNode & { type: 'repeat' }, next: number): number {
    let after = next
    let copies = min
    if (max === Number.POSITIVE_INFINITY) {
      const loop = emit(SPLIT, next, 0)
      const body = compile(node, loop)
      other[loop] = body
      // The loop's own body is the last of those that must be there.
      after = min === 0 ? loop : body
      copies = Math.max(min - 1, 0)
    } else {
      // Not side by side but one within the other: whoever leaves out one leaves out the rest.
      for (let left = max - min; left > 0; left--) after = emit(SPLIT, next, compile(node, after))
    }
    for (; copies > 0; copies--) after = compile(node, after)
    return after
  }

  const start = compile(root, 0)
  return {
    operations: new Uint8Array(operations),
    next: new Uint16Array(nexts),
    other: new Uint16Array(other),
    sets,
    start,
  }
}
