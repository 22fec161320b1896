"""The process of one flow run: Prefect's engine, which ends when the worker that started it ends."""

import ctypes
import runpy
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Run the flow that the environment names."""
    if sys.platform == "linux":  # elsewhere a run may outlive a worker that was killed; it is safe to run twice
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
