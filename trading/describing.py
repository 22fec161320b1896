"""What strategies there are and what they declare, as values: told by a process apart, for the files of a user are code."""

import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from market.clock import monotonic
from market.errors import InputError
from trading.parameters import Parameter

if TYPE_CHECKING:
    from trading.strategy import BaseStrategy

_LONGEST = 1 << 24


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy without its code.

    Attributes:
        name: How it is called in configurations.
        about: The first sentence of what it says of itself.
        parameters: What it declares, in its order.
        relations: Pairs (smaller, larger) of parameters.
        own: Whether it is of a user's file.
    """

    name: str
    about: str
    parameters: tuple[Parameter, ...]
    relations: tuple[tuple[str, str], ...] = ()
    own: bool = False

    def declared(self) -> tuple[Parameter, ...]:
        """Return what it declares, as the class itself does."""
        return self.parameters


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """Strategies by the alphabet, and what is wrong with a user's files, in words."""

    strategies: list[Described]
    problems: list[str] = []


def catalogue(folder: Path | None = None) -> Catalogue:
    """Return the strategies that come with the program and, with a folder, a user's own, whose files are run for it."""
    from trading.registry import Registry  # noqa: PLC0415 - it imports a compiler, which who asks a process apart does not need

    registry = Registry(folder)
    found, problems = [], [str(problem) for problem in registry.problems]
    for name in registry.names():
        try:
            found.append(_described(registry.get(name)))
        except Exception as error:  # noqa: BLE001 - a user's constructor may raise what it likes
            problems.append(f"strategy {name}: {type(error).__name__}: {error}")
    return Catalogue(strategies=found, problems=problems)


def catalogue_apart(folder: Path, *, limit_seconds: int = 20) -> Catalogue:
    """Return the same of a process of its own, so that a user's file that hangs or crashes harms nobody; it takes a second.

    Raises:
        InputError: If that process gives no answer within the limit.
    """
    read, write = os.pipe()
    process = _start(folder, write, limit_seconds)
    os.close(write)
    try:
        said = _heard(read, monotonic() + limit_seconds)
    finally:
        os.close(read)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # and whatever it started
        process.wait()
    try:
        return msgspec.json.decode(said, type=Catalogue)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise InputError(
            f"the strategies in {folder} cannot be read: a file of it ends the process that reads it, or takes longer than"
            f" {limit_seconds} seconds"
        ) from None


def _heard(read: int, until: float) -> bytes:
    """Return what is written to a pipe, to its end or until a moment."""
    said = bytearray()
    while (left := until - monotonic()) > 0 and len(said) < _LONGEST:
        ready, _, _ = select.select([read], [], [], left)
        part = os.read(read, 1 << 16) if ready else b""
        if not part:
            break
        said += part
    return bytes(said)


def _start(folder: Path, write: int, limit_seconds: int) -> "subprocess.Popen[bytes]":
    # Settings have passwords in them, and are nothing to a user's strategy.
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("TCPDASH_")}
    return subprocess.Popen(  # noqa: S603 - the command is ours
        [sys.executable, "-P", "-m", "trading.describing", str(folder), str(write), str(limit_seconds)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(write,),
        env={**kept, "PYTHONPATH": os.pathsep.join(str(Path(part).resolve()) for part in sys.path)},
        start_new_session=True,
    )


def _described(kind: "type[BaseStrategy]") -> Described:
    made = kind({})
    about = cleandoc(kind.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
    declared = kind.declared()
    return Described(name=kind.name, about=about, parameters=declared, relations=made.relations, own=kind.file_text is not None)


def main(folder: str, write: int, limit_seconds: int) -> None:
    """Write the catalogue of a folder as JSON to a descriptor; the process ends itself when it takes too long."""
    signal.alarm(limit_seconds)
    os.set_inheritable(write, False)
    said = msgspec.json.encode(catalogue(Path(folder)))
    with open(write, "wb") as answer:
        answer.write(said)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
