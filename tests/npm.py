"""Packages of npm that tests run: each fetched once, by name and version, into temporary files."""

import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest


def package(name: str, version: str) -> Path:
    """Return the folder of a package, fetched if it is not there yet; skip where it cannot be."""
    folder = Path(tempfile.gettempdir()) / f"backprop-{name}-{version}"
    if (folder / "package").is_dir():
        return folder / "package"
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip(f"no npm to fetch {name} with")
    with tempfile.TemporaryDirectory(dir=tempfile.gettempdir()) as made:
        done = subprocess.run(
            [npm, "pack", f"{name}@{version}"],
            cwd=made,
            capture_output=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"{name} could not be fetched")
        with tarfile.open(next(Path(made).glob("*.tgz"))) as archive:
            archive.extractall(made, filter="data")
        folder.mkdir(exist_ok=True)
        # Two test processes may fetch at once: the one that is late finds the folder there.
        try:
            (Path(made) / "package").rename(folder / "package")
        except OSError:
            assert (folder / "package").is_dir()
    return folder / "package"
