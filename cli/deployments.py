"""Hands prefect.yaml to Prefect when it changed, and keeps paused what a person paused."""

import hashlib
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from app.scheduler.api import PrefectApi, SchedulerError
from db.child import guarded

FILE = "prefect.yaml"
_SECONDS = 300.0


class Handed(msgspec.Struct):
    """What was handed over last, as the home keeps it.

    Attributes:
        digest: Of prefect.yaml and the flows; empty while a hand-over is under way.
        names: The deployments that were in it.
        paused: Those that rest, and `name/slug` of schedules that do, while a hand-over is under way.
    """

    digest: str = ""
    names: list[str] = []
    paused: list[str] = []


def deploy(api: PrefectApi, root: Path, home: Path, environment: Mapping[str, str], tell: Callable[[str], None]) -> bool:
    """Hand prefect.yaml over if it, the flows or the server changed; return whether it was done.

    Prefect wakes whatever a person paused when a file is handed over again. So that is written down first, and paused
    again afterwards, also if this process was killed between.

    Args:
        api: The server.
        root: Where the packages are.
        home: Where it is kept what was handed over.
        environment: Of `prefect deploy`.
        tell: Is told what is done.

    Raises:
        SchedulerError: If there is no such file, it cannot be read, or Prefect refuses it. None of these is a reason to end
            the system, as wrong settings are.
    """
    file = _file(root)
    names, digest = _names(file), _digest(file, root)
    stamp = home / "prefect" / "handed.json"
    before, there = _read(stamp), {each["name"]: each for each in api.deployments()}
    if before.digest == digest and set(names) <= there.keys():
        return False
    tell(f"{FILE} changed: handing {len(names)} flows to Prefect" if before.digest else f"handing {len(names)} flows to Prefect")
    pending = Handed("", before.names, sorted({*before.paused, *_resting(there)}))
    _write(stamp, pending)
    _hand_over(file, root, environment)
    for name in sorted({*before.names} - {*names}):
        if name in there:
            api.delete_deployment(there[name]["id"])
    _pause_again(api, pending.paused)
    _write(stamp, Handed(digest, names))
    return True


def _file(root: Path) -> Path:
    """Return the file of a checkout, or its copy in an installation, which has the packages only."""
    return next((file for file in (root / FILE, root / "flows" / FILE) if file.exists()), root / FILE)


def _names(file: Path) -> list[str]:
    """Return the names of the deployments in the file."""
    import yaml  # type: ignore[import-untyped]

    try:
        return [str(each["name"]) for each in yaml.safe_load(file.read_text(encoding="utf-8"))["deployments"]]
    except OSError as error:
        raise SchedulerError(f"{file} cannot be read ({error.strerror}); it says which flows run when") from error
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise SchedulerError(f"{file} is no list of deployments with names: {' '.join(str(error).split())}") from error


def _digest(file: Path, root: Path) -> str:
    """Return what changes with the file, and with the flows: Prefect keeps their parameters and descriptions."""
    parts = [file, *sorted((root / "flows").glob("*.py"))]
    return hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()


def _resting(there: Mapping[str, dict[str, object]]) -> list[str]:
    found = [name for name, each in there.items() if each["paused"]]
    for name, each in there.items():
        schedules = each["schedules"]
        assert isinstance(schedules, list)
        found += [f"{name}/{schedule['slug']}" for schedule in schedules if not schedule["active"] and schedule["slug"]]
    return found


def _pause_again(api: PrefectApi, paused: list[str]) -> None:
    for each in api.deployments():
        if each["name"] in paused:
            api.pause(each["id"])
        for schedule in each["schedules"]:
            if f"{each['name']}/{schedule['slug']}" in paused:
                api.pause_schedule(each["id"], schedule["id"])


def _hand_over(file: Path, root: Path, environment: Mapping[str, str]) -> None:
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(file)]
    done = subprocess.run(  # noqa: S603 - our own command
        guarded(command), cwd=root, env=dict(environment), capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    if done.returncode != 0:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise SchedulerError(f"Prefect refused {FILE}:\n{last}")


def _read(stamp: Path) -> Handed:
    try:
        return msgspec.json.decode(stamp.read_bytes(), type=Handed)
    except (OSError, msgspec.DecodeError):
        return Handed()


def _write(stamp: Path, handed: Handed) -> None:
    stamp.parent.mkdir(parents=True, exist_ok=True)
    fresh = stamp.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode(handed))
    fresh.replace(stamp)
