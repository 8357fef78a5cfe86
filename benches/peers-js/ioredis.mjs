// One call a request through ioredis, for the figures.
//
// Reads jobs from standard input: a line of JSON, then a line `buyer id` for each request. Answers each
// job with one line of JSON. Every answer has to be what the job wants; otherwise the line is an error.

import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import Redis from 'ioredis'

const { version } = createRequire(import.meta.url)('ioredis/package.json')
const connections = new Map()

// One connection for each way to send; it is made once, so that only the first job warms it up.
function connect({ url, auto }) {
  const key = `${auto} ${url}`
  if (!connections.has(key)) {
    connections.set(key, new Redis(url, { enableAutoPipelining: auto, noDelay: true }))
  }
  return connections.get(key)
}

function check(answer, want) {
  if (want === 'won' ? answer > 3 : answer === 0) return
  throw new Error(`the script answered ${answer} where ${want} was due`)
}

async function caller(redis, job, requests, first, spans) {
  const { sha, keys, callers, want } = job
  for (let i = first; i < requests.length; i += callers) {
    const [buyer, id] = requests[i]
    const asked = performance.now()
    const answer = await redis.evalsha(sha, 3, keys[0], keys[1], keys[2], buyer, '1', id)
    spans[i] = performance.now() - asked
    check(answer, want)
  }
}

async function work(job, requests) {
  const redis = connect(job)
  await redis.ping()
  const spans = new Float64Array(requests.length)
  const started = performance.now()
  const callers = Array.from({ length: job.callers }, (_, i) => caller(redis, job, requests, i, spans))
  await Promise.all(callers)
  const seconds = (performance.now() - started) / 1000
  spans.sort()
  const micros = (percent) => spans[Math.min(spans.length - 1, Math.floor((spans.length * percent) / 100))] * 1000
  return {
    answered: requests.length,
    rate: requests.length / seconds,
    p50: micros(50),
    p99: micros(99),
    version: `ioredis ${version}, node ${process.versions.node}`,
  }
}

let job
let requests = []
for await (const line of createInterface({ input: process.stdin })) {
  if (job === undefined) {
    job = JSON.parse(line)
  } else {
    requests.push(line.split(' '))
  }
  if (requests.length < job.count) continue
  try {
    console.log(JSON.stringify(await work(job, requests)))
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }))
    process.exit(1)
  }
  job = undefined
  requests = []
}
for (const redis of connections.values()) redis.disconnect()
