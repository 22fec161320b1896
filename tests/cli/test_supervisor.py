"""The supervisor: what dies comes back, each on its own."""

from pathlib import Path

import msgspec
import pytest

from cli.supervisor import ComponentFailed, Supervisor
from market.errors import PlatformError


class Puppet:
    """A component that dies and starts as it is told."""

    def __init__(self, name: str, codes: list[int | None], *, startable: bool = True) -> None:
        self.name, self.codes, self.startable, self.starts = name, codes, startable, 0

    def start(self) -> None:
        self.starts += 1
        if not self.startable and self.starts > 1:
            raise PlatformError("no")

    def poll(self) -> int | None:
        return self.codes.pop(0) if len(self.codes) > 1 else self.codes[0]

    def stop(self) -> None:
        self.codes = [0]


def watch(tmp_path: Path, *components: Puppet, rounds: int) -> Path:
    supervisor, left = Supervisor(tmp_path / "incidents.jsonl"), [rounds]
    for component in components:
        supervisor.start(component)

    def count() -> None:
        left[0] -= 1
        if left[0] == 0:
            supervisor._stopping.set()

    supervisor.watch(30.0, count)
    return tmp_path / "incidents.jsonl"


def test_a_component_that_dies_is_started_again_and_written_down(tmp_path: Path):
    puppet = Puppet("worker", [None, -9, -9, None])

    incidents = watch(tmp_path, puppet, rounds=6)

    (incident,) = [msgspec.json.decode(line) for line in incidents.read_bytes().splitlines()]
    assert puppet.starts == 2
    assert (incident["component"], incident["exit_code"], incident["attempts"]) == ("worker", -9, 1)


def test_one_that_cannot_be_started_does_not_keep_another_from_coming_back(tmp_path: Path):
    stuck, other = Puppet("postgres", [1], startable=False), Puppet("redis", [None, None, -9, -9, None])

    watch(tmp_path, stuck, other, rounds=12)

    assert stuck.starts >= 2
    assert other.starts == 2


def test_a_full_disk_does_not_end_what_runs(tmp_path: Path):
    (tmp_path / "incidents.jsonl").mkdir()
    puppet = Puppet("worker", [None, -9, -9, None])

    watch(tmp_path, puppet, rounds=6)

    assert puppet.starts == 2


def test_settings_that_no_restart_mends_end_it(tmp_path: Path):
    with pytest.raises(ComponentFailed, match="worker ended right after its start:\nit cannot use its settings"):
        watch(tmp_path, Puppet("worker", [2]), rounds=5)
