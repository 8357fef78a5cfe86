"""Answers questions about signatures with the Python kits of the gateways.

Reads a question a line, as JSON, and answers each with a line: {"answer": ..} or {"error": ..}. Keys come as base64
of PKCS#8 and SPKI.
"""

import json
import sys
from base64 import b64decode, b64encode
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qsl

import alipay
import wechatpayv3.utils
from alipay import AliPay, DCAliPay
from alipay.exceptions import AliPayValidationError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.utils import build_authorization, load_public_key, rsa_sign

# Both kits for Alipay call their package so; the official one adds `alipay.aop`.
[archive] = (Path(__file__).parent / "official").glob("*.whl")
alipay.__path__.append(str(archive / "alipay"))
from alipay.aop.api.util import SignatureUtils as official


# Reading a private key takes longer than all the rest.
load_private_key = cache(wechatpayv3.utils.load_private_key)


def pem(label, text):
    return f"-----BEGIN {label}-----\n{text}\n-----END {label}-----"


@cache
def pkcs1(text):
    """The form that the official kit wants, without armour."""
    key = serialization.load_der_private_key(b64decode(text), None)
    form = (serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL)
    return b64encode(key.private_bytes(*form, serialization.NoEncryption())).decode()


@cache
def kit(app_id="1", key=None, alipay_key=None):
    """The kit as a merchant configures it; one that only signs, or only verifies, has one key for both."""
    private = pem("PRIVATE KEY", key) if key else pem("PUBLIC KEY", alipay_key)
    public = pem("PUBLIC KEY", alipay_key) if alipay_key else private
    return AliPay(appid=app_id, app_private_key_string=private, alipay_public_key_string=public)


def signature_of(form):
    return dict(parse_qsl(form, keep_blank_values=True))["sign"]


def alipay_request(key, app_id, method, content, more):
    timestamp = more["timestamp"]
    alipay.datetime = SimpleNamespace(now=lambda: SimpleNamespace(strftime=lambda _form: timestamp))
    form = kit(app_id, key).client_api(method, content, **more)
    return dict(parse_qsl(form, strict_parsing=True))


def alipay_sign_form(key, fields):
    """The official kit's signature; the other kit has to agree."""
    filled = {name: value for name, value in fields.items() if value}
    signature = official.sign_with_rsa2(pkcs1(key), official.get_sign_content(filled), "utf-8")
    if signature != signature_of(kit(key=key).sign_data(dict(filled))):
        raise ValueError("the two kits do not agree")
    return signature


def alipay_check_form(alipay_key, fields):
    fields = dict(fields)
    return kit(alipay_key=alipay_key).verify(fields, fields.pop("sign"))


def alipay_reply(key, root, content):
    text = json.dumps(content)
    return f'{{"{root}":{text},"sign":"{kit(key=key)._sign(text)}"}}'


def alipay_check_reply(alipay_key, root, body):
    try:
        kit(alipay_key=alipay_key)._verify_and_return_sync_response(body, root)
        return True
    except AliPayValidationError:
        return False


def alipay_sn(certificate):
    return DCAliPay.get_cert_sn(certificate)


def alipay_root_sn(bundle):
    # The kit divides a bundle at blank lines.
    return DCAliPay.get_root_cert_sn(bundle.replace("-----END CERTIFICATE-----\n", "-----END CERTIFICATE-----\n\n"))


def wechat_authorization(key, mchid, serial, method, path, secs, nonce, body):
    wechatpayv3.utils.time = SimpleNamespace(time=lambda: secs)
    return build_authorization(path, method, mchid, serial, load_private_key(key), body, nonce)


def wechat_sign(key, secs, nonce, body):
    return rsa_sign(load_private_key(key), f"{secs}\n{nonce}\n{body}\n")


def wechat_seal(api_key, nonce, data, text):
    """By the library beneath: the kit only opens."""
    sealed = AESGCM(api_key.encode()).encrypt(nonce.encode(), text.encode(), data.encode())
    return b64encode(sealed).decode()


@cache
def wechat(key=None, wechat_key=None, wechat_id=None, api_key=None):
    return WeChatPay(
        wechatpay_type=WeChatPayType.NATIVE,
        mchid="1",
        private_key=key,
        cert_serial_no="1",
        appid="1",
        apiv3_key=api_key,
        public_key=wechat_key,
        public_key_id=wechat_id,
    )


def wechat_notify(wechat_key, wechat_id, api_key, headers, body):
    told = wechat(wechat_key=wechat_key, wechat_id=wechat_id, api_key=api_key).callback(headers, body)
    return told and told["resource"]


def wechat_pay_sign(key, wechat_key, lines):
    return wechat(key=key, wechat_key=wechat_key, wechat_id="PUB_KEY_ID_1").sign(lines)


def wechat_seal_field(wechat_key, text):
    return wechatpayv3.utils.rsa_encrypt(text, load_public_key(wechat_key))


def wechat_open_field(key, text):
    return wechatpayv3.utils.rsa_decrypt(text, load_private_key(key))


for line in sys.stdin:
    try:
        question = json.loads(line)
        print(json.dumps({"answer": globals()[question.pop("ask")](**question)}), flush=True)
    except Exception as error:
        print(json.dumps({"error": repr(error)}), flush=True)
