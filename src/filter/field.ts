/**
 * From a field's name to its values. A name is a path: `user.id` is the field `id` of `user`, or the field that is called
 * `user.id`, as OpenTelemetry writes its attributes. Only an object's own fields count.
 */
import { isObject, type JsonObject } from '../log.ts'
import { createGlob } from './glob.ts'

/** Says of the values of a field whether one of them is right: a scalar, an object or an array. */
export type ValueTest = (value: unknown) => boolean

/** Whether some value of a field passes a test. */
export type FieldSearch = (context: JsonObject, test: ValueTest) => boolean

/** Longest path that a wildcard is compared with, in UTF-16 units: each value's own is written out for it. */
const MAX_PATH = 1024

const INDEX = /^\d{1,9}$/

/** Searches the field of a name. A list stands for its members, unless a number picks one. */
export function searchField(name: string): FieldSearch {
  const segments = name.split('.')
  // By first and last segment, the field's name that they make together.
  const names = segments.map((_, from) =>
    segments.slice(from).map((_, to) => segments.slice(from, from + to + 1).join('.')),
  )

  function search(value: unknown, from: number, test: ValueTest): boolean {
    if (from === segments.length) return testValue(value, test)
    if (Array.isArray(value)) {
      const segment = segments[from] as string
      if (INDEX.test(segment)) return Number(segment) < value.length && search(value[Number(segment)], from + 1, test)
      return value.some((member) => search(member, from, test))
    }
    if (typeof value !== 'object' || value === null) return false
    return (names[from] as string[]).some(
      (key, to) => Object.hasOwn(value, key) && search((value as JsonObject)[key], from + to + 1, test),
    )
  }
  return (context, test) => search(context, 0, test)
}

/** Searches all fields whose path fits a pattern, in which `*` stands for any part of a path. */
export function searchFields(pattern: string): FieldSearch {
  const fits = createGlob(pattern)

  function search(value: object, path: string, test: ValueTest): boolean {
    for (const key of Object.keys(value)) {
      const member = (value as JsonObject)[key]
      const own = path === '' ? key : `${path}.${key}`
      if (own.length > MAX_PATH) continue
      if (fits(own) && testValue(member, test)) return true
      if (typeof member === 'object' && member !== null && search(member, own, test)) return true
    }
    return false
  }
  return (context, test) => search(context, '', test)
}

function testValue(value: unknown, test: ValueTest): boolean {
  return test(value) || (Array.isArray(value) && value.some((member) => testValue(member, test)))
}

/** The text of a value as filters compare it; undefined for what holds other values. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return isObject(value) || Array.isArray(value) ? undefined : String(value)
}
