"""Compilers that are missing, broken or never end; and what is kept, and trusted, on disk."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backprop_cli.readings import compiler, native
from backprop_cli.readings.compiler import NoCompiler, compile_library, find_compiler

try:
    REAL = find_compiler()
except NoCompiler as reason:
    pytest.skip(reason.message, allow_module_level=True)


def source(number: int) -> str:
    return f"int answer(void) {{ return {number}; }}\n"


def answer(made: native.Native) -> int:
    return int(made.library.answer())


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where libraries are kept in this test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "backprop"


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a function that makes a shell script the compiler."""

    def make(script: str, words: str = "") -> Path:
        path = tmp_path / "fakecc"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("CC", f"{path} {words}".strip())
        return path

    return make


# ------------------------------------------------------------------- compilers


def refused(text: str = "int x;\n") -> str:
    with pytest.raises(NoCompiler) as caught:
        native.load(text)
    assert caught.value.hint.endswith("--engine python needs no compiler")
    return caught.value.message


def test_a_compiler_that_is_named_and_missing(cache, monkeypatch):
    monkeypatch.setenv("CC", "nosuchcc -O1")
    assert refused() == "no C compiler was found: CC names 'nosuchcc'"


def test_no_compiler_at_all(cache, monkeypatch, tmp_path):
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refused() == "no C compiler was found: looked for CC, cc, gcc, clang"


def test_a_cc_that_cannot_be_read(cache, monkeypatch):
    monkeypatch.setenv("CC", "gcc 'unfinished")
    assert refused() == 'CC cannot be read: "gcc \'unfinished"'


def test_a_compiler_that_fails_is_quoted_in_short(cache, fake):
    fake('for k in 1 2 3 4 5 6; do echo "line $k" >&2; done; exit 3')
    assert refused() == "the C compiler 'fakecc' failed: line 1; line 2; line 3; line 4"


def test_a_compiler_that_fails_without_a_word(cache, fake):
    fake("exit 7")
    assert refused() == "the C compiler 'fakecc' failed: exit code 7"


def test_a_compiler_that_makes_nothing_although_it_says_so(cache, fake):
    fake("exit 0")
    assert refused() == "the C compiler 'fakecc' failed: it made no library"


@pytest.mark.parametrize(
    ("source", "flags"),
    [
        ("{\n" + " const double v0;\n" * compiler.MOST_OPTIMISED + "}\n", ()),
        ("static APART int part0() {\n}\n", ("-O1", "-ftree-vectorize")),
        ("{\n" + " const double v0;\n" * (compiler.MOST_OPTIMISED + 1) + "}\n", ("-O0",)),
    ],
)
def test_long_code_is_optimised_less_because_that_takes_ever_longer(
    source: str, flags: tuple[str, ...], fake, tmp_path
):
    fake(f'echo "$@" > {tmp_path}/words; exit 7')
    with pytest.raises(NoCompiler):
        compiler.compile_library(compiler.find_compiler(), source, tmp_path)
    words = (tmp_path / "words").read_text().split()
    assert [word for word in words if word.startswith(("-O", "-ftree"))] == ["-O3", *flags]


def test_what_a_compiler_leaves_behind_is_in_the_folder_that_is_removed(fake, tmp_path):
    fake(f'echo "$TMPDIR" > {tmp_path}/place; exit 7')
    with pytest.raises(NoCompiler):
        compiler.compile_library(compiler.find_compiler(), "", tmp_path)
    assert (tmp_path / "place").read_text().strip() == str(tmp_path)


def test_a_compiler_that_makes_rubbish_is_refused_by_the_loader(cache, fake):
    fake('while [ "$1" != -o ]; do shift; done; echo rubbish > "$2"')
    assert refused().startswith("compiled code cannot be used here: ")


def test_a_compiler_that_never_ends_is_ended_with_all_it_started(
    cache, fake, monkeypatch, tmp_path
):
    """Its child would hold a pipe open; ours is a file, and the whole session is ended."""
    fake(f"sleep 100 & echo $! > {tmp_path}/child; sleep 100")
    monkeypatch.setattr(compiler, "SECONDS", 0.5)
    begin = time.monotonic()
    assert refused() == "the C compiler 'fakecc' did not end within 0.5 s"
    assert time.monotonic() - begin < 20
    child = int((tmp_path / "child").read_text())
    time.sleep(0.1)
    state = Path(f"/proc/{child}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"


def gone(process: int) -> bool:
    """Return whether a process has ended, within some seconds."""
    state = Path(f"/proc/{process}/stat")
    for _ in range(100):
        try:
            if state.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_however_the_program_ends_its_compiler_ends_too(cache, fake, sign, tmp_path):
    """Nothing is left: not the compiler, nor what it started, nor their folder."""
    seen, place = tmp_path / "processes", tmp_path / "place"
    fake(
        f'sleep 100 & echo "$TMPDIR" > {place}; echo $! $$ > {seen}.new; mv {seen}.new {seen}; sleep 100'
    )
    words = ["ascend", "x*y", "--at", "x=1,y=2", "--engine", "native"]
    program = subprocess.Popen(
        [sys.executable, "-m", "backprop_cli", *words], stderr=subprocess.PIPE
    )
    for _ in range(300):
        if seen.exists():
            break
        time.sleep(0.1)
    program.send_signal(sign)
    _, said = program.communicate(timeout=20)
    assert program.returncode in (-sign, 130)
    assert b"Traceback" not in said
    processes = [int(word) for word in seen.read_text().split()]
    assert len(processes) == 2
    assert all(map(gone, processes))
    for _ in range(50):
        if not Path(place.read_text().strip()).exists():
            break
        time.sleep(0.1)
    assert not Path(place.read_text().strip()).exists()


def test_a_compiler_that_is_a_folder(cache, monkeypatch, tmp_path):
    monkeypatch.setenv("CC", str(tmp_path))
    assert refused().startswith("no C compiler was found: CC names ")


def test_words_of_cc_are_handed_on(cache, fake, tmp_path):
    fake(f'echo "$@" > {tmp_path}/words; exec {REAL.path} "$@"', "-DNUMBER=5")
    assert answer(native.load("int answer(void) { return NUMBER; }\n")) == 5
    assert (tmp_path / "words").read_text().startswith("-DNUMBER=5 -std=c11")


def test_code_that_is_wrong_is_the_compilers_to_explain(tmp_path):
    with pytest.raises(NoCompiler, match=r"failed: code\.c"):
        compile_library(REAL, "int answer(void) { return }\n", tmp_path)


# ------------------------------------------------------------------- what is kept


def test_the_second_time_costs_no_compiler(cache, fake, tmp_path):
    fake(f'echo once >> {tmp_path}/runs; exec {REAL.path} "$@"')
    first, second = native.load(source(41)), native.load(source(41))
    assert (first.origin, second.origin) == ("compiled", "kept")
    assert answer(first) == answer(second) == 41
    assert (tmp_path / "runs").read_text() == "once\n"
    assert native.load(source(42)).origin == "compiled"


def test_only_the_user_can_write_what_is_kept(cache):
    native.load(source(1))
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in cache.iterdir()} == {0o600}


def test_libraries_in_one_process_are_not_mistaken_for_each_other(cache):
    """The loader knows a library by its name, and descriptors' numbers are used again."""
    for number in range(5):
        native.load(source(number))
    for number in range(5):
        kept = native.load(source(number))
        assert (kept.origin, answer(kept)) == ("kept", number)


def test_another_compiler_or_source_is_another_library(cache, fake, tmp_path):
    native.load(source(1))
    native.load(source(2))
    fake(f'exec {REAL.path} "$@"')
    assert native.load(source(1)).origin == "compiled"
    fake(f'exec {REAL.path} "$@"', "-O1")
    assert native.load(source(1)).origin == "compiled"
    assert len(list(cache.glob("*.so"))) == 4


def _spoil_content(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def _let_others_write(path: Path) -> None:
    path.chmod(0o666)


def _link_away(path: Path) -> None:
    other = path.with_name("elsewhere")
    path.rename(other)
    path.symlink_to(other)


def _change_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _lose_the_sum(path: Path) -> None:
    path.with_suffix(".sum").unlink()


def _be_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "harm", [_spoil_content, _let_others_write, _link_away, _change_a_byte, _lose_the_sum]
)
def test_what_cannot_be_trusted_is_compiled_anew(cache, harm):
    native.load(source(7))
    harm(next(cache.glob("*.so")))
    again = native.load(source(7))
    assert (again.origin, answer(again)) == ("compiled", 7)
    assert native.load(source(7)).origin == "kept"


def test_a_folder_in_the_place_of_a_library_does_no_harm(cache):
    native.load(source(7))
    _be_a_folder(next(cache.glob("*.so")))
    again = native.load(source(7))
    assert (again.origin, answer(again)) == ("compiled", 7)
    assert again.remark.startswith("compiled code cannot be kept in ")


@pytest.mark.skipif(not hasattr(os, "chown") or os.geteuid() != 0, reason="needs root")
def test_a_library_of_another_user_is_not_loaded(cache):
    native.load(source(7))
    os.chown(next(cache.glob("*.so")), 12345, -1)
    assert native.load(source(7)).origin == "compiled"
    os.chown(cache, 12345, -1)
    made = native.load(source(7))
    assert made.origin == "compiled"
    assert made.remark == f"compiled code is not kept: others could write to {cache}"


def test_a_folder_that_others_can_write_to_is_not_used(cache):
    cache.mkdir(parents=True)
    cache.chmod(0o777)
    made = native.load(source(3))
    assert answer(made) == 3
    assert made.remark == f"compiled code is not kept: others could write to {cache}"
    assert list(cache.iterdir()) == []


def test_a_link_is_not_followed_to_a_folder(cache, tmp_path):
    (tmp_path / "trap").mkdir()
    cache.parent.mkdir()
    cache.symlink_to(tmp_path / "trap")
    made = native.load(source(3))
    assert made.remark == f"compiled code cannot be kept: {cache} is no directory"
    assert list((tmp_path / "trap").iterdir()) == []


def test_a_cache_that_cannot_be_made_costs_a_compilation_each_time(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "cache"))
    for _ in range(2):
        made = native.load(source(9))
        assert (made.origin, answer(made)) == ("compiled", 9)
        folder = tmp_path / "file" / "cache" / "backprop"
        assert made.remark == f"compiled code cannot be kept in {folder}: Not a directory"


def test_a_relative_cache_is_ignored_as_the_specification_says(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert native.cache_folder() == tmp_path / ".cache" / "backprop"


def test_the_longest_unused_make_room(cache, monkeypatch):
    monkeypatch.setattr(native, "MOST_KEPT", 3)
    for number in range(3):
        native.load(source(number))
        for path in cache.iterdir():
            os.utime(path, (0, path.stat().st_mtime - 100))
    native.load(source(0))  # used again: now number 1 is the oldest
    stray = cache / ".unfinished-stray"
    stray.write_text("")
    os.utime(stray, (0, 0))
    native.load(source(3))
    assert len(list(cache.iterdir())) == 6
    origins = [native.load(source(number)).origin for number in (0, 2, 3, 1)]
    assert origins == ["kept", "kept", "kept", "compiled"]


def test_many_processes_may_fill_the_cache_at_once(cache):
    script = (
        "from backprop_cli.readings import native;"
        "print([native.load('int answer(void) { return %d; }' % k).library.answer() for k in range(4)])"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) for _ in range(4)
    ]
    assert {process.communicate()[0] for process in running} == {b"[0, 1, 2, 3]\n"}
    assert len(list(cache.iterdir())) == 8


def test_ctypes_is_imported_only_where_code_is_loaded():
    script = "import sys, backprop_cli.studies.climbing.step_engine; print('ctypes' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout == b"False\n"
