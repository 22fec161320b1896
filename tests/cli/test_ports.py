"""Ports of the servers that people open in a browser: the usual one, and never that of somebody else."""

import errno
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from cli.ports import Ports
from db.child import free_port
from market.errors import InputError


@pytest.fixture
def system() -> Iterator[Callable[[], Ports]]:
    with ExitStack() as stack:

        def start() -> Ports:
            ports = Ports()
            stack.callback(ports.release)
            return ports

        yield start


@pytest.fixture
def server() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def _claim(ports: Ports, usual: int, named: int | None = None) -> int:
    return ports.claim(usual, named=named, setting="app.port")


def test_the_usual_port_is_taken_by_who_comes_first_and_again_when_it_is_free(system: Callable[[], Ports]):
    usual, first = free_port(), system()

    assert _claim(first, usual) == usual
    assert _claim(system(), usual) not in (usual, 0)
    first.release()
    assert _claim(system(), usual) == usual


def test_a_claim_ends_with_its_process(system: Callable[[], Ports]):
    usual = free_port()
    code = f"from cli.ports import Ports; p = Ports(); print(p.claim({usual}, named=0, setting='x'), flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{usual}\n"
        assert _claim(system(), usual) != usual
        process.kill()
    assert _claim(system(), usual) == usual


def test_a_port_of_the_settings_is_claimed_and_where_it_is_taken_that_is_told(system: Callable[[], Ports], server: int):
    named = free_port()

    assert _claim(system(), 8501, named) == named
    for taken in (named, server):
        with pytest.raises(
            InputError, match=f"port {taken} of setting 'app.port' is taken; end what listens there, or set it to 0"
        ):
            _claim(system(), 8501, taken)


def test_a_server_of_somebody_else_on_the_usual_port_is_left_alone(system: Callable[[], Ports], server: int):
    assert _claim(system(), server) not in (server, 0)


def test_a_port_that_may_not_be_taken_is_not_called_taken(system: Callable[[], Ports], monkeypatch: pytest.MonkeyPatch):
    class Forbidden(socket.socket):
        def bind(self, address: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

    named = free_port()
    monkeypatch.setattr("cli.ports.socket.socket", Forbidden)

    assert _claim(system(), 8501, named) == named
