"""What is imported when: import-linter reads the import statements, these tests look at running processes."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

TORCH_FREE = ("algebra", "codegen", "diagnostics", "elaborate", "ir", "ops", "passes", "syntax")
TENSOR_LIBRARIES = {"torch", "numpy", "onnx", "onnx_ir", "onnxruntime"}


def imported_by(*arguments: str | Path, cwd: Path) -> set[str]:
    """The top-level packages that a Python process imports, as the interpreter itself lists them."""
    command = [sys.executable, "-X", "importtime", *(str(argument) for argument in arguments)]
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr[-2000:]}"
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


def modules_of(repository: Path, room: str) -> list[str]:
    """The dotted names of a room's modules."""
    files = sorted((repository / "nasdsl" / room).rglob("*.py"))
    names = [".".join(file.relative_to(repository).with_suffix("").parts) for file in files]
    return [name.removesuffix(".__init__") for name in names]


def test_listing_sees_torch(repository: Path) -> None:
    """The instrument works: otherwise the other tests here could not fail."""
    assert {"torch", "numpy"} <= imported_by("-c", "import torch", cwd=repository)


def test_importing_nasdsl_imports_nothing_installed(repository: Path) -> None:
    own = imported_by("-c", "import nasdsl", cwd=repository) - imported_by("-c", "", cwd=repository)
    assert own - set(sys.stdlib_module_names) == {"nasdsl"}


def test_rooms_before_the_supernet_import_no_tensor_library(repository: Path) -> None:
    modules = [module for room in TORCH_FREE for module in modules_of(repository, room)]
    assert modules
    assert not imported_by("-c", f"import {', '.join(modules)}", cwd=repository) & TENSOR_LIBRARIES


@pytest.mark.parametrize("space", ["darts.nas", "fasterseg.nas"])
def test_check_and_compile_import_no_tensor_library(repository: Path, tmp_path: Path, space: str) -> None:
    nasdsl = Path(sys.executable).with_name("nasdsl")
    text = repository / "spaces" / space
    assert not imported_by(nasdsl, "check", text, cwd=tmp_path) & TENSOR_LIBRARIES
    assert not imported_by(nasdsl, "compile", text, "-o", tmp_path / "out", cwd=tmp_path) & TENSOR_LIBRARIES


def test_torch_contract_names_every_room_that_must_not_know_torch(repository: Path) -> None:
    contracts = tomllib.loads((repository / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (contract,) = [contract for contract in contracts if contract["id"] == "no-torch"]
    built = {f"nasdsl.{room}" for room in TORCH_FREE if modules_of(repository, room)}
    assert built <= set(contract["source_modules"])
