// Whole signed requests by npm's alipay-sdk, for the figures: what its `exec` does before it sends.
//
// Reads jobs from standard input, a line of JSON each, and answers each with one line of JSON. Every signature has to
// be the one that the job wants; otherwise the line is an error.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { AlipaySdk } from 'alipay-sdk'
// The package exports its signer to nobody, but its own requests are made with it.
import { sign } from './node_modules/alipay-sdk/dist/esm/util.js'

const { version } = createRequire(import.meta.url)('alipay-sdk/package.json')

// Processor time of the main thread alone, so that the collector's helpers do not count against it.
const nanos = () => Number(readFileSync('/proc/self/schedstat', 'latin1').split(' ')[0])

function work({ key, app_id, method, requests, count }) {
  const sdk = new AlipaySdk({ appId: app_id, privateKey: key, keyType: 'PKCS8' })
  // Before the clock starts, as the typed order is on the other side.
  const calls = requests.map(({ content, more, signature }) => [{ ...more, bizContent: JSON.parse(content) }, signature])
  const started = nanos()
  for (let i = 0; i < count; i++) {
    const [params, signature] = calls[i % calls.length]
    const { url, execParams } = sdk.formatUrl(sdk.config.gateway, sign(method, params, sdk.config))
    const found = new URL(url).searchParams.get('sign') ?? execParams.sign
    if (found !== signature) throw new Error(`the signature is ${found} where ${signature} was due`)
  }
  const seconds = (nanos() - started) / 1e9
  return { answered: count, rate: count / seconds, version: `alipay-sdk ${version}, node ${process.versions.node}` }
}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    console.log(JSON.stringify(work(JSON.parse(line))))
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }))
    process.exit(1)
  }
}
