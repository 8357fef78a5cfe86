// Answers questions about signatures with npm's alipay-sdk and wechatpay-axios-plugin.
//
// Reads a question a line, as JSON, and answers each with a line: {"answer": ..} or {"error": ..}. Keys come as
// base64 of PKCS#8 and SPKI.
import { createInterface } from 'node:readline'
import { AlipaySdk } from 'alipay-sdk'
import wechat from 'wechatpay-axios-plugin'
// The package exports its signer to nobody, but its own requests are made with it.
import { aesDecryptText, aesEncryptText, sign } from './node_modules/alipay-sdk/dist/esm/util.js'
import { getSN } from './node_modules/alipay-sdk/dist/esm/antcertutil.js'

const { Rsa, Aes, Formatter } = wechat

const pem = (label, text) => `-----BEGIN ${label}-----\n${text.match(/.{1,64}/g).join('\n')}\n-----END ${label}-----\n`
const privateKey = (text) => pem('PRIVATE KEY', text)
const publicKey = (text) => pem('PUBLIC KEY', text)

/** The kit as a merchant configures it; what only verifies needs no private key of its own. */
const alipay = ({ alipay_key, key }) =>
  new AlipaySdk({ appId: '1', privateKey: key ?? 'unused', keyType: 'PKCS8', alipayPublicKey: alipay_key })

const answers = {
  /** The whole parameters of a request. */
  alipay_request({ key, app_id, method, content, more, content_key }) {
    const config = { appId: app_id, charset: 'utf-8', version: '1.0', signType: 'RSA2', privateKey: privateKey(key) }
    const needEncrypt = content_key !== undefined
    const params = { ...more, bizContent: JSON.parse(content), needEncrypt }
    return sign(method, params, { ...config, encryptKey: content_key })
  },

  /** The signature of a form: empty values are not signed. */
  alipay_sign_form({ key, fields }) {
    return Rsa.sign(Formatter.queryStringLike(Formatter.ksort(fields)), privateKey(key))
  },

  alipay_check_form({ alipay_key, fields }) {
    return alipay({ alipay_key }).checkNotifySignV2(fields)
  },

  /** A reply as the gateway writes it: slashes are escaped. */
  alipay_reply({ key, root, content, content_key }) {
    const plain = JSON.stringify(content).replaceAll('/', '\\/')
    const signed = content_key === undefined ? plain : JSON.stringify(aesEncryptText(plain, content_key))
    return `{"${root}":${signed},"sign":"${Rsa.sign(signed, privateKey(key))}"}`
  },

  alipay_check_reply({ alipay_key, root, body }) {
    const { sign: signature } = JSON.parse(body)
    try {
      alipay({ alipay_key }).checkResponseSign(body, root, signature, '')
      return true
    } catch (error) {
      if (!String(error).includes('验签失败')) throw error
      return false
    }
  },

  alipay_open({ content_key, text }) {
    return aesDecryptText(text, content_key)
  },

  alipay_sn: ({ certificate }) => getSN(certificate),
  alipay_root_sn: ({ bundle }) => getSN(bundle, true),

  wechat_authorization({ key, mchid, serial, method, path, secs, nonce, body }) {
    const signature = Rsa.sign(Formatter.request(method, path, secs, nonce, body), privateKey(key))
    return Formatter.authorization(mchid, nonce, signature, secs, serial)
  },

  /** The signature of a reply or a notify. */
  wechat_sign({ key, secs, nonce, body }) {
    return Rsa.sign(Formatter.response(secs, nonce, body), privateKey(key))
  },

  wechat_seal({ api_key, nonce, data, text }) {
    return Aes.AesGcm.encrypt(text, api_key, nonce, data)
  },

  /** What a genuine notify says; null for any other. */
  wechat_notify({ wechat_key, api_key, headers, body }) {
    const text = Formatter.response(headers['wechatpay-timestamp'], headers['wechatpay-nonce'], body)
    if (!Rsa.verify(text, headers['wechatpay-signature'], publicKey(wechat_key))) return null
    const { nonce, associated_data: data, ciphertext } = JSON.parse(body).resource
    return JSON.parse(Aes.AesGcm.decrypt(ciphertext, api_key, nonce, data))
  },

  wechat_pay_sign: ({ key, lines }) => Rsa.sign(Formatter.joinedByLineFeed(...lines), privateKey(key)),
  wechat_seal_field: ({ wechat_key, text }) => Rsa.encrypt(text, publicKey(wechat_key)),
  wechat_open_field: ({ key, text }) => Rsa.decrypt(text, privateKey(key)),
}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    const { ask, ...question } = JSON.parse(line)
    console.log(JSON.stringify({ answer: answers[ask](question) }))
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }))
  }
}
