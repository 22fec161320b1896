"""The habits of docs/… that no linter keeps: small modules, each with one line that says what it is."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = (
    "alerts",
    "app",
    "cli",
    "db",
    "exchanges",
    "flows",
    "history",
    "market",
    "replay",
    "research",
    "settings",
    "streaming",
    "tasks",
    "trading",
)
LONGEST_MODULE, LONGEST_FUNCTION = 300, 40
LOOPS, LONGEST_KERNEL = {"kernel.py", "plain.py"}, 100  # compiled loops are not cut to pieces
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_small_and_says_what_it_is(module: Path):
    text = module.read_text(encoding="utf-8")
    tree = ast.parse(text)
    docstring = ast.get_docstring(tree) or ""

    assert len(text.splitlines()) <= LONGEST_MODULE
    assert docstring.splitlines(), "a module begins with a line that says what it is"
    assert docstring.splitlines()[0].endswith((".", "`", ")"))
    longest = LONGEST_KERNEL if module.name in LOOPS else LONGEST_FUNCTION
    long = [
        f"{node.name} has {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno - node.lineno + 1 > longest
    ]
    assert long == []


def test_no_test_folder_is_a_package():
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_nothing_of_this_machine_is_committed():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("this is no git checkout")
    suspects = []
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.suffix in {".png"} or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8")
        hosts = [word for word in ("pypi" + ".org", "python" + "hosted", "npm" + "js", "deb" + "ian.org") if word in text]
        suspects += [f"{name}: {host}" for host in hosts]
    assert suspects == []
