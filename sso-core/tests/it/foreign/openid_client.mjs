// Signs in with the npm package openid-client, once for each way in which a client proves itself, and then tries
// what must not work.
import assert from 'node:assert/strict'
import { webcrypto } from 'node:crypto'
import * as client from 'openid-client'

const { ISSUER, CLIENT_SECRET, RETURN_URL, BYE_URL, ROBOT_KID, ROBOT_KEY } = process.env
// A provider with a form to sign in is told these; one without needs neither.
const { LOGIN, PASSWORD } = process.env
const alice = { sub: 'alice', name: 'Alice', email: 'alice@example.org', email_verified: true }
const user = process.env.CLAIMS ? JSON.parse(process.env.CLAIMS) : alice
const insecure = { execute: [client.allowInsecureRequests] }

/** A browser: it follows redirects inside the provider, keeps its cookies, and signs in where it is asked to. */
class Browser {
  cookie = ''

  async go(url) {
    for (let hops = 0; hops < 5; hops += 1) {
      const reply = await this.signIn(url, await this.send(url))
      if (reply.status !== 303) return { status: reply.status }
      url = new URL(reply.headers.get('location'), url)
      if (!url.href.startsWith(ISSUER)) return { status: 303, url }
    }
    throw new Error('too many redirects')
  }

  async send(url, form) {
    const headers = { cookie: this.cookie }
    const posted = form && { method: 'POST', body: new URLSearchParams(form) }
    const reply = await fetch(url, { redirect: 'manual', headers, ...posted })
    const set = reply.headers.get('set-cookie')
    if (set) this.cookie = set.split(';')[0]
    return reply
  }

  /** The reply to the form, if the page has one and there is somebody to sign in; else the page. */
  async signIn(url, page) {
    const { pathname, searchParams } = new URL(url)
    if (!LOGIN || page.status !== 200 || pathname !== '/login') return page
    return this.send(new URL('/login', url), { login: LOGIN, password: PASSWORD, next: searchParams.get('next') })
  }
}

async function begin(config, browser, extra = {}) {
  const verifier = client.randomPKCECodeVerifier()
  const [state, nonce] = [client.randomState(), client.randomNonce()]
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: RETURN_URL,
    scope: 'openid profile email offline_access',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...extra,
  })
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
  return { url, checks, ...(await browser.go(url)) }
}

async function robotKey() {
  const der = Buffer.from(ROBOT_KEY.replace(/-----[A-Z ]+-----|\s/g, ''), 'base64')
  const kind = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
  return { key: await webcrypto.subtle.importKey('pkcs8', der, kind, false, ['sign']), kid: ROBOT_KID }
}

const ways = {
  basic: ['shop', client.ClientSecretBasic(CLIENT_SECRET)],
  post: ['shop', client.ClientSecretPost(CLIENT_SECRET)],
  none: ['app', client.None()],
  assertion: ['robot', client.PrivateKeyJwt(await robotKey())],
}

for (const [way, [id, proof]] of Object.entries(ways)) {
  const config = await client.discovery(new URL(ISSUER), id, undefined, proof, insecure)
  const browser = new Browser()
  const { url, checks } = await begin(config, browser)
  const tokens = await client.authorizationCodeGrant(config, url, checks)
  const claims = tokens.claims()
  assert.equal(claims.sub, user.sub)
  const info = await client.fetchUserInfo(config, tokens.access_token, claims.sub)
  assert.deepEqual(info, user)

  const again = await client.refreshTokenGrant(config, tokens.refresh_token)
  assert.notEqual(again.refresh_token, tokens.refresh_token)
  assert.equal((await client.fetchUserInfo(config, again.access_token, user.sub)).name, user.name)

  const out = client.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token,
    post_logout_redirect_uri: BYE_URL,
    state: 'x',
  })
  assert.equal((await browser.go(out)).url.href, `${BYE_URL}?state=x`)
  const silent = await begin(config, browser, { prompt: 'none' })
  assert.equal(silent.url.searchParams.get('error'), 'login_required')
  console.log(way)
}

const config = await client.discovery(new URL(ISSUER), 'shop', undefined, ways.basic[1], insecure)
const browser = new Browser()

const because = (words) => (error) => words.test(`${error.message} ${error.cause?.message}`)

// A nonce of somebody else.
const first = await begin(config, browser)
await assert.rejects(
  client.authorizationCodeGrant(config, first.url, { ...first.checks, expectedNonce: 'another' }),
  because(/nonce/),
)

// A code that comes twice is refused, and what it gave is gone.
const second = await begin(config, browser)
const given = await client.authorizationCodeGrant(config, second.url, second.checks)
const refused = (code) => (error) => error.error === code || error.cause?.error === code
await assert.rejects(client.authorizationCodeGrant(config, second.url, second.checks), refused('invalid_grant'))
await assert.rejects(client.fetchUserInfo(config, given.access_token, user.sub), (error) => error.status === 401)
await assert.rejects(client.refreshTokenGrant(config, given.refresh_token), refused('invalid_grant'))

// A verifier of somebody else.
const third = await begin(config, browser)
const stolen = { ...third.checks, pkceCodeVerifier: client.randomPKCECodeVerifier() }
await assert.rejects(client.authorizationCodeGrant(config, third.url, stolen), refused('invalid_grant'))

// A return address that is not registered goes nowhere.
const astray = await begin(config, browser, { redirect_uri: 'http://127.0.0.1:1/other' })
assert.equal(astray.status, 400)

// An issuer that is another one (RFC 9207).
const fourth = await begin(config, browser)
fourth.url.searchParams.set('iss', 'https://evil.example')
await assert.rejects(client.authorizationCodeGrant(config, fourth.url, fourth.checks), because(/iss/))

// A wrong secret.
const wrong = client.ClientSecretBasic('wrong-wrong-wrong-wrong-wrong-wrong')
const stranger = await client.discovery(new URL(ISSUER), 'shop', undefined, wrong, insecure)
const fifth = await begin(stranger, browser)
await assert.rejects(client.authorizationCodeGrant(stranger, fifth.url, fifth.checks), (error) => error.status === 401)

// The client asks for a new sign-in, and gets one: the session is another.
const before = (await client.authorizationCodeGrant(config, ...(await grantOf()))).claims()
const after = (await client.authorizationCodeGrant(config, ...(await grantOf({ prompt: 'login' })))).claims()
assert.notEqual(before.sid, after.sid)
async function grantOf(extra) {
  const begun = await begin(config, browser, extra)
  return [begun.url, begun.checks]
}

console.log('all is well')
