"""Workers of a Dask cluster: one cluster on the loopback for all tests of this file."""

import socket
from collections.abc import Iterator

import psutil
import pytest

from research import dask_cluster
from research.dask_cluster import DaskPool
from research.jobs import WorkersError
from research.local import LocalPool
from research.sweeps import run_sweep
from tests.research.searched import done, small_sweep


class Numbered:
    """What is no chunk."""

    number = 0


@pytest.fixture(scope="module")
def cluster() -> Iterator[object]:
    with dask_cluster._local_cluster(2) as found:
        yield found


@pytest.fixture
def address(cluster) -> str:
    return str(cluster.scheduler_address)


def test_a_cluster_finds_what_one_process_does_to_the_last_bit(address):
    sweep = small_sweep(chunk=6)
    (here, payloads), (there, theirs) = done(sweep, LocalPool(sweep, 1)), done(sweep, DaskPool(sweep, address))

    assert theirs == payloads
    assert len(theirs) == 8
    assert (there.values.tobytes(), there.deflated) == (here.values.tobytes(), here.deflated)


def test_what_a_lost_worker_was_doing_is_done_again(address):
    sweep = small_sweep(chunk=3)
    _, payloads = done(sweep, LocalPool(sweep, 1))
    found: dict[int, bytes] = {}

    def keep(number: int, sets: int, payload: bytes) -> None:
        if not found:
            for worker in _workers():
                worker.kill()
        found[number] = payload

    with DaskPool(sweep, address) as pool:
        run_sweep(sweep, pool, keep=keep)

    assert found == payloads


def test_a_cluster_listens_on_the_loopback_alone(address):
    with DaskPool(small_sweep(), address):
        processes = [psutil.Process(), *_workers()]
        heard = {
            each.laddr.ip for process in processes for each in process.net_connections("inet") if each.status == psutil.CONN_LISTEN
        }

    assert len(processes) >= 2
    assert heard == {"127.0.0.1"}


def test_a_worker_of_other_versions_is_refused(address, monkeypatch):
    own = dask_cluster._abilities()
    monkeypatch.setattr(dask_cluster, "abilities", lambda: {**own, "numba": "0.1"})

    with pytest.raises(WorkersError, match=r"Dask worker tcp://127.0.0.1:\d+ has numba [\d.]+ \(here 0.1\); results could differ"):
        DaskPool(small_sweep(), address).__enter__()


def test_what_goes_wrong_in_a_piece_comes_back(address):
    with DaskPool(small_sweep(), address) as pool, pytest.raises(AttributeError, match="no attribute 'chosen'"):
        list(pool.run([Numbered()]))


@pytest.mark.parametrize("address", ["foo", "tcp://127.0.0.1", "127.0.0.1:x"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(
        WorkersError, match=f"no Dask scheduler answers at {address} .*expected an address like tcp://127.0.0.1:8786"
    ):
        DaskPool(small_sweep(), address).__enter__()


def test_an_address_at_which_nobody_answers_is_told():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        free = f"tcp://127.0.0.1:{taken.getsockname()[1]}"

        with pytest.raises(WorkersError, match=f"no Dask scheduler answers at {free} "):
            DaskPool(small_sweep(), free).__enter__()


def _workers() -> list[psutil.Process]:
    """Return the processes of the cluster's workers; other children of this one are helpers of multiprocessing."""
    children = psutil.Process().children(recursive=True)
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]
