"""Compiled code, kept and loaded: C source in, functions to call out.

A library is kept under the hash of all that it was made of (source, flags, compiler, system), so
the second time costs no compiler. It is run in this process, so nothing is loaded that anybody
else could have written: the folder and the files must be the user's own and writable to nobody
else, and what is loaded is the very file that was looked at (through its descriptor, where the
system can). A checksum stands beside each library, because a damaged one would not be refused by
the loader: it would crash. Where nothing can be kept, a library lives in a private folder until
it is loaded.
"""

import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from backprop_cli.readings.compiler import (
    FLAGS,
    HINT,
    Compiler,
    NoCompiler,
    compile_library,
    find_compiler,
    optimisation,
)

if TYPE_CHECKING:
    import ctypes

MOST_KEPT = 200
"""How many libraries are kept (some 20 KiB each); the longest unused make room."""

_UNFINISHED, _LONG_AGO = ".unfinished-", 3600.0
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class Native(NamedTuple):
    """A loaded library; how it came (`compiled` or `kept`), by which compiler, and a remark."""

    library: "ctypes.CDLL"
    origin: str
    compiler: str
    remark: str = ""

    @property
    def note(self) -> str:
        """What is to be said of it."""
        return "; ".join(
            filter(None, (f"engine native (C, compiled by {self.compiler})", self.remark))
        )


def load(source: str, flags: tuple[str, ...] = ()) -> Native:
    """Return the library of this C source, from the cache or compiled now, by these flags too.

    Raises `NoCompiler`. A `remark` says why nothing could be kept.
    """
    compiler = find_compiler()
    key = _key(source, compiler, flags)
    folder, remark = _cache()
    if folder is not None:
        found = _kept(folder, key)
        if found is not None:
            return Native(found, "kept", compiler.name)
    try:
        with tempfile.TemporaryDirectory(prefix="backprop-") as name:
            made = compile_library(compiler, source, Path(name), flags)
            kept = None
            if folder is not None:
                remark = _keep(folder, key, made.read_bytes())
                kept = _kept(folder, key)
            return Native(kept or _loaded(made), "compiled", compiler.name, remark)
    except OSError as error:
        raise NoCompiler(f"compiled code cannot be used here: {error}", None, HINT) from error


def _key(source: str, compiler: Compiler, flags: tuple[str, ...] = ()) -> str:
    system = os.uname()
    how = (*FLAGS, *flags, *optimisation(source))
    parts = (source, *how, compiler.identity(), system.sysname, system.machine)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


# ---------------------------------------------------------------------- what is kept


def cache_folder() -> Path:
    """Return where libraries are kept: by the XDG base directory specification."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The specification has relative paths ignored.
    root = Path(base) if base.startswith("/") else Path("~/.cache").expanduser()
    return root / "backprop"


def _cache() -> tuple[Path | None, str]:
    """Return the folder of what is kept, made if need be; or None, and why."""
    try:
        folder = cache_folder()
    except RuntimeError as error:  # no home
        return None, f"compiled code cannot be kept: {error}"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.lstat()
    except OSError as error:
        return None, f"compiled code cannot be kept in {folder}: {error.strerror}"
    if not stat.S_ISDIR(found.st_mode):
        return None, f"compiled code cannot be kept: {folder} is no directory"
    if not _private(found):
        return None, f"compiled code is not kept: others could write to {folder}"
    if not os.access(folder, os.W_OK | os.X_OK):
        return None, f"compiled code cannot be kept: {folder} cannot be written to"
    return folder, ""


def _private(found: os.stat_result) -> bool:
    """Return whether only this user can write to a file or folder."""
    return found.st_uid == os.geteuid() and not found.st_mode & _OTHERS_WRITE


def _kept(folder: Path, key: str) -> "ctypes.CDLL | None":
    """Return a library that was kept; None if there is none, or one that cannot be trusted."""
    path = folder / f"{key}.so"
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        found = os.fstat(descriptor)
        if not (stat.S_ISREG(found.st_mode) and _private(found)):
            return None
        with os.fdopen(os.dup(descriptor), "rb") as file:
            content = file.read()
        if (folder / f"{key}.sum").read_text(encoding="ascii") != _sum(content):
            return None
        os.utime(path)
        return _loaded(path, descriptor)
    except (OSError, ValueError):
        return None
    finally:
        os.close(descriptor)


def _keep(folder: Path, key: str, content: bytes) -> str:
    """Keep a library and its checksum; return a remark if that cannot be done."""
    try:
        _replace(folder / f"{key}.sum", _sum(content).encode())
        _replace(folder / f"{key}.so", content)
        _make_room(folder)
    except OSError as error:
        return f"compiled code cannot be kept in {folder}: {error.strerror}"
    return ""


def _replace(path: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all, and is writable to its owner alone."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=_UNFINISHED)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def _make_room(folder: Path) -> None:
    """Remove the longest unused libraries, and what interrupted runs left behind."""
    ages = {path: _age(path) for path in folder.iterdir()}
    newest = max(ages.values(), default=0.0)
    libraries = sorted((path for path in ages if path.suffix == ".so"), key=ages.__getitem__)
    doomed = libraries[: max(0, len(libraries) - MOST_KEPT)]
    doomed += [path.with_suffix(".sum") for path in doomed]
    for path, age in ages.items():
        if path.name.startswith(_UNFINISHED) and age < newest - _LONG_AGO:
            doomed.append(path)
    for path in doomed:
        path.unlink(missing_ok=True)


def _age(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:  # another run has removed it
        return 0.0


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _loaded(path: Path, descriptor: int | None = None) -> "ctypes.CDLL":
    """Load a library: the open file itself where the system can name it, else by its path."""
    import ctypes

    if descriptor is not None and os.path.exists(f"/proc/self/fd/{descriptor}"):
        # The loader knows libraries by name: the number must not be given to another file.
        return ctypes.CDLL(f"/proc/self/fd/{os.dup(descriptor)}")
    return ctypes.CDLL(str(path))
