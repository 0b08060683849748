"""Packages of npm that tests run: each fetched once, by name and version, into temporary files."""

import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest


def package(name: str, version: str) -> Path:
    """Return the folder of a package, fetched if it is not there yet; skip where it cannot be.

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
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        command = [npm, "pack", f"{name}@{version}"]
        try:
            done = subprocess.run(command, cwd=made, capture_output=True, timeout=120, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip(f"{name} could not be fetched in two minutes")
        if done.returncode:
            pytest.skip(f"{name} could not be fetched")
        with tarfile.open(next(Path(made).glob("*.tgz"))) as archive:
            archive.extractall(made, filter="data")
        # Two test processes may fetch at once: the one that is late finds the folder there.
        try:
            (Path(made) / "package").rename(folder / "package")
        except OSError:
            assert (folder / "package").is_dir()
    return folder / "package"
