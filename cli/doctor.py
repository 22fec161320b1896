"""The verb that says what is wrong with this installation, and how to mend it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
import typer

from cli.options import Json, load
from market.clock import now_us
from market.errors import PlatformError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db import DatabaseOperations
    from db.repositories.gaps import Gap
    from settings import Settings

_SHOWN_INCIDENTS = 20
_LEAST_FREE_BYTES = 1_000_000_000
_OVERDUE_SECONDS = 600


class Finding(msgspec.Struct, frozen=True):
    """What was looked at and what was found.

    Attributes:
        state: `ok`, `warning` or `bad`.
        fix: What to do about it; empty when nothing has to be done.
    """

    subject: str
    state: str
    found: str
    fix: str = ""


def doctor(*, json: Json = False) -> None:
    """Say what runs, what does not, what was down, and how to mend it. Exit code 1 when something is bad."""
    try:
        settings = load()
    except ValueError as error:
        findings = [_bad_settings(error)]
    else:
        findings = [*_feed_settings(settings), *_installation(settings.home), *_running(settings), *_outages(settings.home)]
    if json:
        click.echo(msgspec.json.encode(findings))
    else:
        for finding in findings:
            click.echo(
                f"{finding.state:<8} {finding.subject:<12} {finding.found}"
                + (f"\n{'':22}fix: {finding.fix}" if finding.fix else "")
            )
    if any(finding.state == "bad" for finding in findings):
        raise typer.Exit(1)


def _bad_settings(error: Exception) -> Finding:
    return Finding("settings", "bad", str(error), "correct config/tcpdash.toml or the variable")


def _feed_settings(settings: "Settings") -> list[Finding]:
    from cli.feed import choose_feed

    try:
        choose_feed(settings, None, exchange=None, symbols=None)
    except PlatformError as error:
        return [_bad_settings(error)]
    return []


def _installation(home: Path) -> list[Finding]:
    import os
    import shutil

    version = ".".join(str(part) for part in sys.version_info[:3])
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    findings = [Finding("python", "ok" if good else "bad", version, "" if good else "use Python 3.11, 3.12 or 3.13")]
    place = next(folder for folder in (home.absolute(), *home.absolute().parents) if folder.exists())
    if not os.access(place, os.W_OK):
        findings.append(Finding("home", "bad", f"{home} cannot be written", "choose another folder with TCPDASH_HOME"))
    else:
        findings.append(Finding("home", "ok", f"{home}" + ("" if home.exists() else " (not made yet)")))
    free = shutil.disk_usage(place).free
    state = "ok" if free > _LEAST_FREE_BYTES else "warning"
    findings.append(Finding("disk", state, f"{free / 1e9:.1f} GB free", "" if state == "ok" else "make room, or move TCPDASH_HOME"))
    return findings


def _running(settings: "Settings") -> list[Finding]:
    from cli.worker import addresses
    from db.home import running_state

    state = running_state(settings.home) or {}
    try:
        database_url, redis_url = addresses(settings)
    except PlatformError as error:
        return [Finding("system", "warning", str(error), "start it with `tcpdash up` or `tcpdash demo`")]
    findings = [_processes(state), *_postgres(database_url, settings), *_redis(redis_url), *_flows(settings, state)]
    return [finding for finding in findings if finding is not None]


def _processes(state: dict[str, object]) -> Finding | None:
    import os

    pids = state.get("pids")
    if not isinstance(pids, dict):
        return None
    dead = [name for name, pid in pids.items() if not os.path.exists(f"/proc/{pid}") and sys.platform == "linux"]
    if dead:
        return Finding(
            "processes", "bad", f"not running: {', '.join(dead)}", "`tcpdash up` starts them again; else see the logs in the home"
        )
    return Finding("processes", "ok", ", ".join(f"{name} ({pid})" for name, pid in pids.items()))


def _postgres(url: str, settings: "Settings") -> list[Finding]:
    from cli.bot_findings import bots_told
    from db import schema
    from db.operations import get_database_operations

    db = get_database_operations(url)
    try:
        schema.check(db.engine)
        answers = Finding("postgres", "ok", f"answers, schema {schema.current(db.engine)}")
        return [answers, *_holes(db), *(Finding("bots", *told) for told in bots_told(db, settings))]
    except PlatformError as error:
        return [Finding("postgres", "bad", str(error), "see logs/postgres.log in the home")]
    finally:
        db.close()


def _holes(db: "DatabaseOperations") -> list[Finding]:
    overdue, lost = db.gaps.overdue(_OVERDUE_SECONDS), db.gaps.list(state="unrecoverable")
    findings = []
    if overdue:
        words = f"{_counted(overdue)} open for more than ten minutes: {_by_symbol(overdue)}"
        fix = "`tcpdash gaps --state open` shows them; they are filled while `tcpdash up` follows their symbols"
        findings.append(Finding("holes", "warning", words, fix))
    if lost:
        words = f"{_counted(lost)} unrecoverable: {_by_symbol(lost)}"
        fix = "`tcpdash gaps --state unrecoverable` says why; nothing fills them any more, and their minutes stay incomplete"
        findings.append(Finding("holes", "warning", words, fix))
    return findings or [Finding("holes", "ok", "none is open for more than ten minutes, none is unrecoverable")]


def _counted(gaps: "Sequence[Gap]") -> str:
    return f"{len(gaps):,} hole is" if len(gaps) == 1 else f"{len(gaps):,} holes are"


def _by_symbol(gaps: "Sequence[Gap]") -> str:
    from collections import Counter

    counts = Counter(gap.symbol for gap in gaps)
    return ", ".join(f"{symbol} {count:,}" for symbol, count in sorted(counts.items()))


def _redis(url: str) -> list[Finding]:
    from db.bus import Bus

    bus = Bus(url)
    try:
        feeds = bus.feeds()
    except PlatformError as error:
        return [Finding("redis", "bad", str(error), "see logs/redis.log in the home")]
    findings = [Finding("redis", "ok", "answers")]
    for symbol, feed in sorted(feeds.items()):
        age = (now_us() - feed["at_us"]) / 1e6
        words = f"{symbol} {feed['state']}" + (f": {feed['reason']}" if feed["reason"] else "")
        words += f" ({feed['tape']} data of a local exchange)" if feed.get("tape") else ""
        if age > 10:
            findings.append(Finding("feed", "bad", f"{words}, not heard of for {age:.0f} s", "is the worker running?"))
        else:
            findings.append(Finding("feed", "warning" if feed["state"] in {"stale", "down"} else "ok", words))
    return findings


def _flows(settings: "Settings", state: dict[str, object]) -> list[Finding]:
    from app.scheduler.api import PrefectApi
    from app.scheduler.standings import address

    url, word = address(settings.flows.api_url, state)
    if url is None and word == "starting":
        return [Finding("flows", "warning", "the scheduler is starting", "it needs some seconds after a start")]
    if url is None:
        return [Finding("flows", "ok", "none run: the system was started without them, or said why it cannot have them")]
    with PrefectApi(url) as api:
        if not api.is_ready():
            fix = "it needs some seconds after a start; then logs/prefect.out.log in the home says why"
            return [Finding("flows", "warning", f"Prefect does not answer at {url}", fix)]
        try:
            workers, there = api.workers(), api.deployments()
        except PlatformError as error:
            return [Finding("flows", "bad", str(error), "see logs/prefect.out.log in the home")]
    if not workers or not there:
        return [Finding("flows", "warning", "nobody carries out runs", "it needs some seconds; then see logs/flows.out.log")]
    return [Finding("flows", "ok", f"{len(there)} are deployed, served by {', '.join(each['name'] for each in workers)}")]


def _outages(home: Path) -> list[Finding]:
    file = home / "incidents.jsonl"
    if not file.exists():
        return []
    findings = []
    for line in file.read_bytes().splitlines()[-_SHOWN_INCIDENTS:]:
        try:
            incident = msgspec.json.decode(line, type=dict[str, object])
        except msgspec.DecodeError:  # the last line of a home whose disk was full
            continue
        code = incident.get("exit_code")
        how = f"killed by signal {-code}" if isinstance(code, int) and code < 0 else f"exit code {code}"
        words = f"{incident.get('component')} ({how}) at {incident.get('at')}, again within {incident.get('down_seconds')} s"
        findings.append(Finding("outage", "warning", words))
    return findings
