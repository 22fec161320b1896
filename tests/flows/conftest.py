"""What needs a Prefect server takes minutes of both cores, so it is asked for: `make test-flows`."""

import os

import pytest

_ASKED = "TCPDASH_TEST_PREFECT"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests with a Prefect server unless they are asked for."""
    if os.environ.get(_ASKED):
        return
    for item in items:
        if item.get_closest_marker("prefect") is not None:
            item.add_marker(pytest.mark.skip(reason=f"takes a Prefect server for minutes; `make test-flows` ({_ASKED}=1) runs it"))
