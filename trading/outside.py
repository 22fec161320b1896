"""What a strategy could know beside its bars: files and the network, the clock, what it kept from other calls."""

import pickle
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType, FunctionType
from typing import Any

import numpy as np
import pandas as pd
import time_machine

_EVENTS = {
    "open": "opens", "os.listdir": "lists", "os.scandir": "lists", "sqlite3.connect": "opens", "socket.connect": "connects to",
    "socket.getaddrinfo": "looks up", "subprocess.Popen": "runs", "os.system": "runs", "os.posix_spawn": "runs",
}  # fmt: skip
# Of code and of what is compiled; also a warning reads the line that it quotes.
_CODE = (".py", ".pyc", ".so", ".pyd", ".nbi", ".nbc")
_KEEPS = (int, float, complex, str, bytes, bytearray, tuple, list, dict, set, frozenset, deque, np.ndarray, np.generic,
          pd.Series, pd.DataFrame, pd.Index)  # fmt: skip

# Python code behind which a file is read in machine code, of which nothing else is heard.
_READERS = ("/pandas/io/parquet.py", "/pandas/io/feather_format.py", "/pandas/io/orc.py", "/pyarrow/parquet/",
            "/pyarrow/feather.py", "/pyarrow/orc.py", "/pyarrow/dataset.py", "/polars/io/")  # fmt: skip

_reached: ContextVar[list[str] | None] = ContextVar("reached", default=None)
_hooked: list[bool] = []


@contextmanager
def watched() -> Iterator[list[str]]:
    """Collect what is reached for outside inside this block, in words: `opens answers.csv`.

    It sees what Python itself opens, and the readers of parquet, feather and orc; other machine code that opens a file is not seen,
    and neither are the variables of the environment. Imports are not told. A hook for this stays in the process, and does
    nothing outside of such blocks.
    """
    if not _hooked:
        sys.addaudithook(_hear)
        _hooked.append(True)
    found: list[str] = []
    token, profile = _reached.set(found), sys.getprofile()
    sys.setprofile(_see)
    try:
        yield found
    finally:
        sys.setprofile(profile)
        _reached.reset(token)


def _see(frame: FrameType, event: str, _argument: object) -> None:
    found = _reached.get() if event == "call" else None
    if found is not None and any(part in frame.f_code.co_filename for part in _READERS):
        found.append(f"calls {frame.f_code.co_name}")


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    verb = _EVENTS.get(event)
    found = _reached.get() if verb is not None else None
    if found is None or not arguments:
        return
    what = arguments[1] if event == "socket.connect" else arguments[0]
    name = what.decode(errors="replace") if isinstance(what, bytes) else str(what)
    if isinstance(what, int) or name.endswith(_CODE) or "__pycache__" in name or _imports():
        return
    found.append(f"{verb} {name}")


def _imports() -> bool:
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - who asks for a file is only told by the frames
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None


@contextmanager
def at(moment_us: int) -> Iterator[None]:
    """Let the clock of the process stand at a moment inside this block, UTC epoch microseconds.

    `datetime`, `time` and pandas are told it, of all threads; what asks the system itself (numpy's "now") is not.
    """
    with time_machine.travel(moment_us / 1e6, tick=False):
        yield


def kept(kind: type) -> dict[str, bytes]:
    """Return what a class and its module keep, by name: what differs after a call was kept from it.

    Looked at are numbers, texts, collections, arrays and tables of the class, of those that it inherits from, of their modules,
    and of the defaults of their functions.
    """
    found: dict[str, bytes] = {}
    for owner in kind.__mro__:
        if not owner.__module__.startswith(("trading.", "builtins")) or owner is kind:
            module = sys.modules.get(owner.__module__)
            _note(found, f"{owner.__name__}.", vars(owner))
            _note(found, "", vars(module) if module is not None else {})
    return found


def _note(found: dict[str, bytes], prefix: str, names: Any) -> None:
    for name, value in list(names.items()):
        function = getattr(value, "__func__", value)
        if isinstance(function, FunctionType):
            _note(
                found, f"{prefix}{name}, default ", dict(enumerate(function.__defaults__ or ())) | (function.__kwdefaults__ or {})
            )
        elif isinstance(value, _KEEPS) and not str(name).startswith("__"):
            try:
                found[f"{prefix}{name}"] = pickle.dumps(value)
            except Exception:  # noqa: BLE001 - whatever it holds may refuse in its own way; then its text has to do
                found[f"{prefix}{name}"] = repr(value).encode()
