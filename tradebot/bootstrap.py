"""Prepares .venv and starts a verb in it. Standard library only: this runs before anything is installed.

Set-up happens only when the pinned requirements changed, one process at a time; one that was interrupted is done again
from nothing. What cannot be set up ends with exit code 3 and the words to type.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "tradebot-stamp.json"
UNFINISHED = VENV / "tradebot-unfinished"
UV = "uv==0.13.8"
RUNTIME, DEVELOPMENT = "requirements.txt", "requirements-dev.txt"
VERBS_OF_DEVELOPERS = {"test", "check", "bench", "chaos", "parity"}
OLDEST, NEWEST = (3, 12), (3, 13)


class CannotSetUp(Exception):
    """The environment could not be made; the message says why and what to type."""


def main(arguments: list[str]) -> None:
    """Make the environment fit for the verb, then become it."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        raise CannotSetUp(
            f"Python {sys.version.split()[0]} does not suit; start ./run, which finds one that does."
        )
    verb = arguments[0] if arguments else ""
    wanted = [RUNTIME, DEVELOPMENT] if verb in VERBS_OF_DEVELOPERS else [RUNTIME]
    if not is_prepared(wanted):
        with one_at_a_time():
            if not is_prepared(wanted):
                prepare(wanted)
    become(arguments)


def become(arguments: list[str]) -> None:
    environment = dict(os.environ)
    if environment.get("DATA_DIR"):
        # A relative folder is meant from where the person stands, not from where the code lies.
        environment["DATA_DIR"] = os.path.abspath(environment["DATA_DIR"])
    environment.pop("PYTHONHOME", None)
    os.chdir(ROOT)
    os.execve(PYTHON, [str(PYTHON), "-m", "tradebot", *arguments], environment)


def is_prepared(wanted: list[str]) -> bool:
    """True when the environment was finished with exactly these pins."""
    if UNFINISHED.exists() or not PYTHON.exists():
        return False
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return False
    return all(stamp.get(name) == fingerprint(name) for name in wanted)


def fingerprint(name: str) -> str:
    return hashlib.sha256((ROOT / name).read_bytes()).hexdigest()


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold the set-up lock: on the pins themselves, so that no lock file is left lying about."""
    with open(ROOT / RUNTIME, "rb") as pins:
        try:
            fcntl.flock(pins, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another ./run is setting up; waiting for it.")
            fcntl.flock(pins, fcntl.LOCK_EX)
        yield


def prepare(wanted: list[str]) -> None:
    say("Setting up .venv (a minute or two, once).")
    has_pip = is_usable(PYTHON) and answers([str(PYTHON), "-I", "-m", "pip", "--version"])
    if UNFINISHED.exists() or not has_pip:
        remove_environment()
        make_environment()
    UNFINISHED.touch()
    installer = uv_command() or pip_command()
    for name in wanted:
        install(installer, name)
    known = json.loads(STAMP.read_text()) if STAMP.exists() else {}
    stamp = {**known, **{name: fingerprint(name) for name in wanted}}
    partial = STAMP.with_suffix(".partial")
    partial.write_text(json.dumps(stamp, indent=2))
    os.replace(partial, STAMP)
    UNFINISHED.unlink()


def is_usable(python: Path) -> bool:
    """True when this interpreter starts and is of a version that suits."""
    code = f"import sys; sys.exit(not {OLDEST} <= sys.version_info[:2] <= {NEWEST})"
    try:
        return subprocess.run([python, "-I", "-c", code], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def remove_environment() -> None:
    if VENV.is_symlink() or VENV.is_file():
        VENV.unlink()
    elif VENV.exists():
        shutil.rmtree(VENV)


def make_environment() -> None:
    # Marked before anything is in it: half an environment is never taken for a whole one.
    VENV.mkdir()
    UNFINISHED.touch()
    # Started from inside a broken .venv, the interpreter to build on is the one beneath it.
    base = getattr(sys, "_base_executable", None) or sys.executable
    run_step([base, "-I", "-m", "venv", str(VENV)], "The virtual environment could not be made")


def uv_command() -> list[str] | None:
    """The command of uv, ours or the machine's; None where it cannot be had, and pip does the work."""
    for candidate in (VENV / "bin" / "uv", shutil.which("uv"), Path.home() / ".local" / "bin" / "uv"):
        if candidate and answers([str(candidate), "--version"]):
            return uv_install(candidate)
    if answers([*pip_command(), UV]):
        return uv_install(VENV / "bin" / "uv")
    return None


def uv_install(uv: str | Path) -> list[str]:
    return [str(uv), "pip", "install", "--python", str(PYTHON)]


def pip_command() -> list[str]:
    quiet = ["--quiet", "--disable-pip-version-check", "--retries", "2"]
    return [str(PYTHON), "-I", "-m", "pip", "install", *quiet]


def answers(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def install(installer: list[str], name: str) -> None:
    """Install one file of pins; where uv fails, pip has the last word."""
    if installer != pip_command():
        # The machine's own certificates, by whichever name this uv knows the switch.
        trust = {**os.environ, "UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"}
        done = subprocess.run([*installer, "--quiet", "-r", str(ROOT / name)], env=trust, check=False)
        if done.returncode == 0:
            return
        say("uv did not manage; trying pip.")
    run_step([*pip_command(), "-r", str(ROOT / name)], f"The packages of {name} could not be installed")


def run_step(command: list[str], complaint: str) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        tail = "\n".join("    " + line for line in done.stdout.strip().splitlines()[-8:])
        raise CannotSetUp(
            f"{complaint}:\n{tail}\nCheck the network and your package index (pip config list), then type ./run again."
        )


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except CannotSetUp as problem:
        say(f"Cannot set up: {problem}")
        sys.exit(3)
    except KeyboardInterrupt:
        say("Set-up interrupted; the next ./run starts it again.")
        sys.exit(130)
