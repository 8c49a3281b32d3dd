"""Clients that generators make from the description: they are made, and their types are right.

Each generator is installed in a folder of its own, in versions named here.
"""

import subprocess
import sys
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.programs import path_of

pytestmark = [pytest.mark.system, pytest.mark.parametrize("engine", ["sqlite"], indirect=True)]

PYTHON_PACKAGES = ("openapi-python-client==0.29.1", "mypy==2.4.1")
NPM_PACKAGES = ("openapi-typescript@7.13.0", "typescript@5.9.3")


@pytest.fixture
def description(client: TestClient, tmp_path: Path) -> Path:
    path = tmp_path / "openapi.json"
    path.write_bytes(client.get("/openapi.json").content)
    return path


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(list(map(str, command)), check=False, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_python_client(description: Path, tmp_path: Path) -> None:
    path_of("npm")  # where CI's programs are, so is the way to the registries
    programs = tmp_path / "environment" / "bin"
    run(sys.executable, "-m", "venv", programs.parent, cwd=tmp_path)
    run(programs / "python", "-m", "pip", "install", "--quiet", *PYTHON_PACKAGES, cwd=tmp_path)
    made = run(
        programs / "openapi-python-client",
        *("generate", "--meta", "none", "--path", description, "--output-path", tmp_path / "made"),
        cwd=tmp_path,
    )
    # Of files and pictures, which have no model, it makes no answers; nothing else may be left out.
    lost = [line for line in made.splitlines() if "Cannot parse" in line and "Unsupported content_type" not in line]
    assert lost == []
    assert "ERROR" not in made
    for name in ("bulk_edit", "bulk_delete", "link_create"):
        assert (tmp_path / "made/models" / f"{name}.py").exists()
    run(programs / "mypy", "--strict", tmp_path / "made", cwd=tmp_path)


def test_types_for_typescript(description: Path, tmp_path: Path) -> None:
    npm = path_of("npm")
    run(npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", tmp_path, *NPM_PACKAGES, cwd=tmp_path)
    programs = tmp_path / "node_modules" / ".bin"
    run(programs / "openapi-typescript", description, "-o", tmp_path / "api.ts", cwd=tmp_path)
    run(programs / "tsc", "--noEmit", "--strict", tmp_path / "api.ts", cwd=tmp_path)
    assert "BulkEdit: {" in (tmp_path / "api.ts").read_text()
