"""Signed requests and verified notifies by PyPI's wechatpayv3, for the figures.

Reads jobs from standard input, a line of JSON each, and answers each with one line of JSON. Every answer has to be the
one that the job wants; otherwise the line is an error.
"""

import json
import platform
import sys
import time
from types import SimpleNamespace

import wechatpayv3
import wechatpayv3.utils
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.utils import build_authorization, load_private_key


def due(found, wanted):
    if found != wanted:
        raise ValueError(f"the answer is {found} where {wanted} was due")


def signing(job):
    key, secs = load_private_key(job["key"]), job["secs"]
    # The same moment for both sides; the clock itself costs nothing beside a signature.
    wechatpayv3.utils.time = SimpleNamespace(time=lambda: secs)

    def sign(request):
        header = build_authorization(
            request["path"], "POST", job["mchid"], job["serial"], key, request["body"], job["nonce"]
        )
        due(header.split('signature="')[1].split('"')[0], request["signature"])

    return sign


def verifying(job):
    pay = WeChatPay(
        wechatpay_type=WeChatPayType.NATIVE,
        mchid="1",
        private_key=None,
        cert_serial_no="1",
        appid="1",
        apiv3_key=job["api_key"],
        public_key=job["wechat_key"],
        public_key_id=job["wechat_id"],
    )

    def verify(request):
        told = pay.callback(request["headers"], request["body"])
        due(told["resource"]["out_trade_no"], request["number"])

    return verify


def work(job):
    once = {"sign": signing, "verify": verifying}[job["work"]](job)
    requests, count = job["requests"], job["count"]
    started = time.thread_time()
    for turn in range(count):
        once(requests[turn % len(requests)])
    seconds = time.thread_time() - started
    version = f"wechatpayv3 {wechatpayv3.__version__}, python {platform.python_version()}"
    return {"answered": count, "rate": count / seconds, "version": version}


for line in sys.stdin:
    try:
        print(json.dumps(work(json.loads(line))), flush=True)
    except Exception as error:
        print(json.dumps({"error": repr(error)}), flush=True)
        sys.exit(1)
