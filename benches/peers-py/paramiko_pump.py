"""A web terminal's pump on PyPI's paramiko, for the figures: what a program prints is read, kept as a tail, put into
frames and recorded as an asciicast, and every byte is compared. The browser that takes the frames and acknowledges
them is left out, in favour of the peer.

Reads jobs from standard input, a line of JSON each, and answers each with one line of JSON. It connects with the first
job.
"""

import codecs
import json
import platform
import struct
import sys
import tempfile
import time

import paramiko

CHUNK = 32 * 1024
TAIL = 256 * 1024


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
    if job["terminal"]:
        channel = client.invoke_shell("xterm-256color")
    else:
        channel = client.get_transport().open_session()
        channel.exec_command("program")
    said = b""
    while not said.endswith(b"ready"):
        said += channel.recv(CHUNK)
    return client, channel


class Pump:
    def __init__(self, recording):
        self.recording = recording
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.tail = bytearray()
        self.sent = 0
        self.started = time.monotonic()
        recording.write(json.dumps({"version": 2, "width": 80, "height": 24}) + "\n")

    def take(self, chunk):
        """The frame for the browser: a kind, the number of the first byte, the bytes."""
        at = round(time.monotonic() - self.started, 6)
        self.recording.write(json.dumps([at, "o", self.decoder.decode(chunk)]) + "\n")
        self.tail += chunk
        if len(self.tail) > TAIL:
            del self.tail[: len(self.tail) - TAIL]
        frame = struct.pack(">BQ", 1, self.sent) + chunk
        self.sent += len(chunk)
        return frame


def work(channel, text, pump):
    read = 0
    started, spent = time.perf_counter(), time.process_time()
    channel.sendall(b"\n")
    while read < len(text):
        chunk = channel.recv(CHUNK)
        if not chunk:
            raise EOFError("the program ended")
        pump.take(chunk)
        if chunk != text[read : read + len(chunk)]:
            raise ValueError("other bytes came than the text of the file")
        read += len(chunk)
    return {
        "bytes": read,
        "wall": time.perf_counter() - started,
        "processor": time.process_time() - spent,
        "version": f"paramiko {paramiko.__version__}, python {platform.python_version()}",
        "cipher": channel.get_transport().remote_cipher,
    }


connected = None
with tempfile.TemporaryFile("w", encoding="utf-8") as cast:
    sink = Pump(cast)
    for line in sys.stdin:
        try:
            job = json.loads(line)
            if connected is None:
                with open(job["text"], "rb") as file:
                    text = file.read()
                connected = connect(job)
            print(json.dumps(work(connected[1], text, sink)), flush=True)
        except Exception as error:
            print(json.dumps({"error": repr(error)}), flush=True)
            sys.exit(1)
