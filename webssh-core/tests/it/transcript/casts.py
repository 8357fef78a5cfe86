"""Reads every recording of a folder and prints its name and the SHA-256 of what its terminal was shown.

Some of version 2 are read by asciinema itself as well, which has to print the same bytes.
"""

import hashlib
import json
import pathlib
import subprocess
import sys


def shown(path):
    # A line ends at a line feed only: U+2028 and the like are text.
    header, *events = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
    clock = 0
    text = ""
    for time, code, data in events:
        assert code in ("oirm" if header["version"] == 2 else "oirmx"), code
        assert isinstance(data, str), data
        assert time >= (clock if header["version"] == 2 else 0), time
        clock = time
        if code == "o":
            text += data
    return header["version"], text.encode()


for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    version, text = shown(path)
    # Starting it takes a while.
    if version == 2 and path.name.startswith("0"):
        cat = subprocess.run([sys.executable, "-m", "asciinema", "cat", path], capture_output=True, check=True)
        assert cat.stdout == text, (path, cat.stdout, text)
    print(path.name, hashlib.sha256(text).hexdigest())
