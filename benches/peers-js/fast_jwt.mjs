// Tokens out of fast-jwt's cache of verified tokens, for the figures.
//
// Reads jobs from standard input, a line of JSON each, and answers each with one line of JSON. Every token
// has to give the subject that the job wants; otherwise the line is an error.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { createVerifier } from 'fast-jwt'

const { version } = createRequire(import.meta.url)('fast-jwt/package.json')

// The clock counts in ticks of some milliseconds: so many nanoseconds make them small.
const NANOS_MIN = 40_000_000

// Processor time of the main thread alone, so that the collector's helpers do not count against it.
const nanos = () => Number(readFileSync('/proc/self/schedstat', 'latin1').split(' ')[0])

function pass(verify, tokens, subjects, count) {
  for (let i = 0; i < count; i++) {
    const at = i % tokens.length
    const { sub } = verify(tokens[at])
    if (sub !== subjects[at]) throw new Error(`the subject is ${sub} where ${subjects[at]} was due`)
  }
}

function work({ key, issuer, audience, tokens, subjects, count }) {
  const rules = { key, algorithms: ['RS256'], allowedIss: issuer, allowedAud: audience, requiredClaims: ['exp'] }
  const verify = createVerifier({ ...rules, cache: true })
  // From here on every token is in the cache, whose usual size is 1000.
  pass(verify, tokens, subjects, tokens.length)
  let answered = 0
  const started = nanos()
  do {
    pass(verify, tokens, subjects, count)
    answered += count
  } while (nanos() - started < NANOS_MIN)
  const seconds = (nanos() - started) / 1e9
  return { answered, rate: answered / seconds, version: `fast-jwt ${version}, node ${process.versions.node}` }
}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    console.log(JSON.stringify(work(JSON.parse(line))))
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }))
    process.exit(1)
  }
}
