"""Run the command as users do: in a process of its own, in a pipe, or in a pseudo-terminal."""

import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from fcntl import ioctl
from typing import NamedTuple

PROGRAM = [sys.executable, "-m", "backprop_cli"]
PLAIN_ENVIRONMENT = {
    key: value
    for key, value in os.environ.items()
    if key not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TERM", "PYTHONIOENCODING")
}


class Result(NamedTuple):
    """The exit code and what was written."""

    code: int
    out: str
    err: str


def run(*words: str, stdin: str = "", environment: dict[str, str] | None = None) -> Result:
    """Run the command with its streams in pipes."""
    done = subprocess.run(
        [*PROGRAM, *words],
        input=stdin.encode(),
        capture_output=True,
        env=PLAIN_ENVIRONMENT | (environment or {}),
        timeout=60,
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def run_in_terminal(
    *words: str, columns: int = 80, environment: dict[str, str] | None = None, kill_after: float = 0
) -> Result:
    """Run the command in a pseudo-terminal of this width; with `kill_after`, press Ctrl-C then."""
    master, slave = pty.openpty()
    ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(
        [*PROGRAM, *words],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=PLAIN_ENVIRONMENT | {"TERM": "xterm-256color"} | (environment or {}),
        start_new_session=True,
        preexec_fn=lambda: ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(slave)
    output = _read_all(master, process, time.monotonic() + kill_after if kill_after else None)
    os.close(master)
    return Result(process.wait(timeout=60), output.decode("utf-8", "replace"), "")


def _read_all(master: int, process: "subprocess.Popen[bytes]", interrupt_at: float | None) -> bytes:
    output = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if interrupt_at is not None and time.monotonic() > interrupt_at:
            os.write(master, b"\x03")
            interrupt_at = None
        if select.select([master], [], [], 0.05)[0]:
            try:
                part = os.read(master, 65536)
            except OSError:
                break
            if not part:
                break
            output += part
        elif process.poll() is not None:
            break
    return output
