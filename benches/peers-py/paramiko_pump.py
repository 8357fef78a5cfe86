"""Output of a terminal read by PyPI's paramiko, for the figures.

Reads jobs from standard input, a line of JSON each, and answers each with one line of JSON. It connects with the first
job. What a web terminal does with the bytes afterwards is left out, in favour of the peer.
"""

import json
import platform
import sys
import time

import paramiko

CHUNK = 32 * 1024


def connect(job):
    client = paramiko.SSHClient()
    # The server is a child of the same run, on this machine.
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect(
        "127.0.0.1",
        job["port"],
        job["user"],
        key_filename=job["key"],
        allow_agent=False,
        look_for_keys=False,
    )
    channel = client.invoke_shell("xterm-256color")
    said = b""
    while not said.endswith(b"ready"):
        said += channel.recv(CHUNK)
    return client, channel


def work(channel, job):
    left = job["bytes"]
    started, spent = time.perf_counter(), time.process_time()
    channel.sendall(b"\n")
    while left > 0:
        chunk = channel.recv(CHUNK)
        if not chunk:
            raise EOFError("the terminal ended")
        left -= len(chunk)
    return {
        "bytes": job["bytes"] - left,
        "wall": time.perf_counter() - started,
        "processor": time.process_time() - spent,
        "version": f"paramiko {paramiko.__version__}, python {platform.python_version()}",
    }


connected = None
for line in sys.stdin:
    try:
        job = json.loads(line)
        connected = connected or connect(job)
        print(json.dumps(work(connected[1], job)), flush=True)
    except Exception as error:
        print(json.dumps({"error": repr(error)}), flush=True)
        sys.exit(1)
