"""Packages of npm that tests need in a browser, fetched once into the folder of temporary files."""

import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest


def fetched(name: str, version: str) -> Path:
    """Return the folder of an unpacked package; the test is skipped where it cannot be had.

    The environment variable NAME_PACKAGE (`MERMAID_PACKAGE`) may give a folder that holds it.
    """
    given = os.environ.get(f"{name.upper().replace('-', '_')}_PACKAGE")
    folder = Path(given or Path(tempfile.gettempdir()) / f"backprop-{name}-{version}")
    if (folder / "package" / "package.json").is_file():
        return folder / "package"
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip(f"no npm to fetch {name} with")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as work:
        command = [npm, "pack", f"{name}@{version}"]
        try:
            done = subprocess.run(command, cwd=work, capture_output=True, timeout=120, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip(f"{name} could not be fetched in two minutes")
        if done.returncode:
            pytest.skip(f"{name} could not be fetched")
        with tarfile.open(next(Path(work).glob("*.tgz"))) as archive:
            archive.extractall(work, filter="data")
        if not (folder / "package").exists():
            Path(work, "package").rename(folder / "package")
    return folder / "package"
