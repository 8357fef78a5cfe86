"""One call a request through redis-py's asyncio client, for the figures.

Reads jobs from standard input: a line of JSON, then a line `buyer id` for each request. Answers each job
with one line of JSON. Every answer has to be what the job wants; otherwise the line is an error.
"""

import asyncio
import json
import platform
import sys
import time

import hiredis
import redis
import redis.asyncio

# More connections than this only cost system calls.
CONNECTIONS_MAX = 50

pools = {}


def pool(job):
    """One pool for each number of connections, made once, so that only the first job warms it up."""
    connections = min(job["callers"], CONNECTIONS_MAX)
    if connections not in pools:
        pools[connections] = redis.asyncio.BlockingConnectionPool.from_url(
            job["url"], max_connections=connections, timeout=None
        )
    return pools[connections]


async def caller(client, job, requests, first, spans):
    sha, (numbers, buyers, stream), won = job["sha"], job["keys"], job["want"] == "won"
    for buyer, id in requests[first :: job["callers"]]:
        asked = time.perf_counter()
        answer = await client.evalsha(sha, 3, numbers, buyers, stream, buyer, "1", id)
        spans.append(time.perf_counter() - asked)
        if not (answer > 3 if won else answer == 0):
            raise ValueError(f"the script answered {answer} where {job['want']} was due")


async def work(job, requests):
    client = redis.asyncio.Redis(connection_pool=pool(job))
    await client.ping()
    spans = []
    started = time.perf_counter()
    await asyncio.gather(*(caller(client, job, requests, i, spans) for i in range(job["callers"])))
    seconds = time.perf_counter() - started
    spans.sort()

    def micros(percent):
        return spans[min(len(spans) - 1, len(spans) * percent // 100)] * 1e6

    return {
        "answered": len(spans),
        "rate": len(spans) / seconds,
        "p50": micros(50),
        "p99": micros(99),
        "version": f"redis-py {redis.__version__}, hiredis {hiredis.__version__}, "
        f"python {platform.python_version()}",
    }


def main():
    loop = asyncio.new_event_loop()
    while line := sys.stdin.readline():
        job = json.loads(line)
        requests = [sys.stdin.readline().split() for _ in range(job["count"])]
        try:
            answer = loop.run_until_complete(work(job, requests))
        except Exception as error:
            print(json.dumps({"error": repr(error)}), flush=True)
            sys.exit(1)
        print(json.dumps(answer), flush=True)


main()
