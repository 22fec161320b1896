"""The files of bots as the page finds, reads and writes them: whole or not at all, and never outside their folder."""

import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from app.bots.text import tree_of
from market.errors import InputError
from trading.bots.text import MOST_BYTES

_ID = re.compile("[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BotFile:
    """A file as it was when it was read.

    Attributes:
        path: Where it is.
        text: What it says.
        digest: Tells it from all else that it may say.
    """

    path: Path
    text: str
    digest: str


def why_not_writable(folder: Path) -> str:
    """Return why no file can be written into a folder; empty where one can."""
    if not folder.is_dir():
        return f"the folder of bots, {folder}, is not there for this process"
    return "" if os.access(folder, os.W_OK | os.X_OK) else f"this process may not write into the folder of bots, {folder}"


def find(folder: Path, bot: str, known_as: str) -> BotFile | None:
    """Return the file of a bot.

    Args:
        folder: Of the files; no other one is looked at.
        bot: Its id.
        known_as: What its runner calls the file, maybe on another machine; a file of that name is looked at first.

    Raises:
        InputError: If the file of that name, or one that is called as the bot, is there and cannot be read.
    """
    first = folder / Path(known_as).name
    own = (first, folder / f"{bot}.json")
    try:
        rest = sorted(each for each in folder.glob("*.json") if each != first and not each.name.startswith(("_", ".")))
    except OSError:
        rest = []
    for path in (first, *rest):
        try:
            found = read(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except InputError:
            if path in own:
                raise
            continue  # it is of another bot, which need not suffer
        tree = tree_of(found.text)
        if (tree is not None and tree.get("id") == bot) or (tree is None and path in own):
            return found
    return None


def read(path: Path) -> BotFile:
    """Return what a file says.

    Raises:
        FileNotFoundError: If there is none.
        InputError: If it cannot be read as one of a bot: it is a link, no file, too large, or not UTF-8.
    """
    if path.is_symlink():
        raise InputError(f"expected a file, found that {path} is a link; the page writes to no place that a link names")
    try:
        with path.open("rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise InputError(f"expected a file, found that {path} is none")
            data = file.read(MOST_BYTES + 1)
        text = data.decode("utf-8-sig")
    except FileNotFoundError:
        raise
    except UnicodeDecodeError:
        raise InputError(f"expected text in UTF-8, found something else in {path}") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > MOST_BYTES:
        raise InputError(f"expected {MOST_BYTES} bytes at most, found that {path} has more")
    return BotFile(path=path, text=text, digest=digest_of(data))


def digest_of(data: bytes) -> str:
    """Return what tells the content of a file from all else."""
    return sha256(data).hexdigest()


@contextmanager
def created(folder: Path, bot: str, text: str) -> Iterator[Path]:
    """Write the file of a new bot, and remove it again when the block raises.

    Raises:
        InputError: If the id is none, there is such a file, or it cannot be written.
    """
    path = _path(folder, bot)
    temporary = _written(folder, text)
    try:
        os.link(temporary, path)  # unlike a rename it takes nobody's place
    except FileExistsError:
        raise InputError(f"expected a new bot, found that there is a file {path} already; choose another id") from None
    except OSError as error:  # a disk without links
        if os.path.lexists(path):
            raise InputError(f"{path} cannot be written: {error.strerror}") from None
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync(folder)
    try:
        yield path
    except BaseException:
        path.unlink(missing_ok=True)
        raise


@contextmanager
def replaced(before: BotFile, text: str) -> Iterator[Path]:
    """Write another text into a file, and the old one again when the block raises.

    Args:
        before: The file as it was when the edit began.
        text: What it says from now on.

    Raises:
        InputError: If it says something else by now than when the edit began, is gone, or cannot be written.
    """
    path = before.path
    refuse_changed(before)
    like = _status(path)
    _rename(_written(path.parent, text, like=like), path)
    try:
        yield path
    except BaseException:
        _rename(_written(path.parent, before.text, like=like), path)
        raise


def refuse_changed(before: BotFile) -> None:
    """Refuse an edit of a file that says something else by now.

    Raises:
        InputError: If it does, or is gone.
    """
    with suppress(FileNotFoundError):
        if read(before.path).digest == before.digest:
            return
        raise InputError(
            f"expected {before.path.name} as it was when this edit began, found that somebody changed it meanwhile; nothing was "
            "written: copy what you want to keep, load the file again, and make your change there"
        )
    raise InputError(f"expected {before.path.name}, found that it is gone; nothing was written")


@contextmanager
def removed(before: BotFile) -> Iterator[None]:
    """Remove a file, and write it again when the block raises.

    Raises:
        InputError: If it says something else by now, is gone, or cannot be removed.
    """
    refuse_changed(before)
    like = _status(before.path)
    try:
        before.path.unlink()
    except OSError as error:
        raise InputError(f"{before.path} cannot be removed: {error.strerror}") from None
    try:
        yield
    except BaseException:
        _rename(_written(before.path.parent, before.text, like=like), before.path)
        raise


def _path(folder: Path, bot: str) -> Path:
    if not _ID.fullmatch(bot):
        raise InputError(f"bot id {bot!r} cannot be one: up to 63 lower case letters, digits, - and _, such as btc-trend")
    return folder / f"{bot}.json"


def _status(path: Path) -> os.stat_result | None:
    """Return whose a file is and who may do what with it; None where it is gone, or none by now."""
    with suppress(OSError):
        status = path.lstat()
        return status if stat.S_ISREG(status.st_mode) else None
    return None


def _written(folder: Path, text: str, *, like: os.stat_result | None = None) -> Path:
    """Return a new file beside the others that no runner reads, as its name begins with a dot.

    Args:
        folder: In which it is.
        text: What it says.
        like: Of the file whose place it takes: it belongs to the same people, as far as this process may do that.
    """
    path = folder / f".{secrets.token_hex(8)}.writing"
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644 if like is None else 0o600)
        with os.fdopen(number, "wb") as file:
            if like is not None:
                _give(number, like)
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        path.unlink(missing_ok=True)
        raise InputError(f"no file can be written into {folder}: {error.strerror}") from None
    return path


def _give(number: int, like: os.stat_result) -> None:
    os.fchmod(number, stat.S_IMODE(like.st_mode))
    for owner in (like.st_uid, -1):  # only root gives files away; the group may be one of its own
        with suppress(OSError):
            os.fchown(number, owner, like.st_gid)
            return


def _rename(temporary: Path, path: Path) -> None:
    try:
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InputError(f"{path} cannot be written: {error.strerror}") from None
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """Let a name in a folder outlast a loss of power."""
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
