"""What a CSV file of points may look like: read by Polars or without it, in blocks of any size."""

import gzip
import math
import os
import sys
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

np = pytest.importorskip("numpy")
pytest.importorskip("polars")
from backprop_cli.errors import BackpropError, FileProblem, LimitExceeded  # noqa: E402
from backprop_cli.studies import data  # noqa: E402
from backprop_cli.studies.data import read_columns  # noqa: E402
from backprop_cli.studies.table import chunks  # noqa: E402
from backprop_cli.studies.table import rows as point_rows  # noqa: E402
from backprop_cli.studies.table.chunks import Chunks  # noqa: E402
from backprop_cli.studies.table.rows import RowReader  # noqa: E402

WAYS = [(way, size) for way in ("polars", "csv") for size in (5, 64, 1 << 20)]


class Table:
    """A file read to its end."""

    def __init__(self, path, used=("x", "y"), kept=(), stop=False):
        found = Chunks(str(path))
        self.headings = found.headings
        places = [found.headings.index(name) for name in used]
        reader = RowReader(found.headings, places, [found.headings.index(k) for k in kept], stop)
        self.blocks = [reader(chunk) for chunk in found]
        rows = [zip(*(column.tolist() for column in block.columns), strict=True) for block in self.blocks]  # fmt: skip
        self.rows = [row for block in rows for row in block]
        texts = [zip(*block.kept, strict=True) for block in self.blocks]
        self.texts = [row for block in texts for row in block]
        self.blank = sum(block.blank for block in self.blocks)
        self.faults = [fault for block in self.blocks for fault in block.faults]


@pytest.fixture(params=WAYS, ids=lambda way: f"{way[0]}-{way[1]}")
def read(request, tmp_path, monkeypatch):
    """Return a function that writes a file and reads it, in each of the ways."""
    way, size = request.param
    monkeypatch.setattr(chunks, "BYTES_AT_ONCE", size)
    monkeypatch.setattr(point_rows, "_ENOUGH_FOR_POLARS", 0)
    if way == "csv":
        monkeypatch.setattr(point_rows, "polars_for", lambda size: None)

    def read(content, *arguments, **options):
        path = tmp_path / "d.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return Table(path, *arguments, **options)

    return read


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("x,y\n1,2\n3,4\n", 0),
        ("x,y\n1,2\n3,4", 0),
        ("\nx,y\n\n1,2\n  \n3,4\n\n", 3),
        ("x,y\r\n1,2\r\n\r\n3,4\r\n\r\n", 2),
        ('x,y,n\n1,2,"a\n\nb"\n\n3,4,"\n"\n\n\n', 3),
        ('x,y,n\n1,2,5"\n\n3,4,6"\n', 1),
    ],
)
def test_blank_lines_are_counted_in_every_way_of_reading(read, text, count):
    table = read(text)
    assert table.rows == [(1, 2), (3, 4)]
    assert table.blank == count


@pytest.mark.parametrize(
    "text",
    [
        "x,y\n1,2\n3,-4e-1\n",
        "x,y\n1,2\n3,-4e-1",
        "x,y\r\n1,2\r\n3,-4e-1\r\n",
        "x,y\r1,2\r3,-4e-1\r",
        "\ufeffx,y\n1,2\n3,-.4\n",
        "\n\n  \nx , y\n\n 1,  2\n   \n3 ,-0.4  \n\n\n",
        '"x","y"\n"1","2"\n3, "-0.4"\n',
        '"x","y"\n"1","2"\n"3","-0.4"\n',
        "note,y,x\nhello,2,1\n,-0.4,3\n",
        'note,y,x\n"he said ""no"",\nand left",2,1\n"",-0.4,3\n',
        'note,y,x\n5" pipe,2,1\n6" pipe,-0.4,3\n',
        "x,y,x,note,note\n1,2,9,a,b\n3,-0.4,9,a,b\n".replace(",x,note", ",z,note"),
    ],
)
def test_files_that_say_the_same(read, text):
    table = read(text)
    assert table.rows == [(1.0, 2.0), (3.0, -0.4)]
    assert table.faults == []


def test_texts_pass_through_as_they_are(read):
    text = 'id,x,y\n a b ,1,2\n"c, ""d""",1,2\n,1,2\n"",1,2\n"two\nlines",1,2\n" e",1,2\nθ,1,2\n'
    table = read(text, kept=("id", "x"))
    assert table.texts == [
        ("a b ", "1"),
        ('c, "d"', "1"),
        ("", "1"),
        ("", "1"),
        ("two\nlines", "1"),
        (" e", "1"),
        ("θ", "1"),
    ]


FAULTS = [
    ("x,y\n1,2\n\n3\n4,5\n", 4, "1 cell, but 2 columns"),
    ("x,y\n1,2\n3,4,5\n4,5\n", 3, "3 cells, but 2 columns"),
    ("x,y\n1,2\n3,abc\n4,5\n", 3, "column y: 'abc' is not a number"),
    ("x,y\n1,2\n3,\n4,5\n", 3, "column y: the cell is empty"),
    ('x,y\n1,2\n3,""\n4,5\n', 3, "column y: the cell is empty"),
    ("x,y\n1,2\nnan,1\n4,5\n", 3, "column x: 'nan' is not finite"),
    ("x,y\n1,2\n1,-Infinity\n4,5\n", 3, "column y: '-Infinity' is not finite"),
    ("x,y\n1,2\n1,inf\n4,5\n", 3, "column y: 'inf' is not finite"),
    ("x,y\n1,2\n1,1e999\n4,5\n", 3, "column y: '1e999' is not finite"),
    ("x,y\n1,2\n1,1_000\n4,5\n", 3, "column y: '1_000' is not a number"),
    ("x,y\n1,2\n1,٣\n4,5\n", 3, "column y: '٣' is not a number"),
    ("x,y\n1,2\n1,0x10\n4,5\n", 3, "column y: '0x10' is not a number"),
    ("x,y\n1,2\n1,true\n4,5\n", 3, "column y: 'true' is not a number"),
    ('x,y\n1,2\n1,"2"3\n4,5\n', 3, "',' expected after '\"'"),
    ("x,y\r1,2\r3,\r4,5\r", 3, "column y: the cell is empty"),
    ("x,y\r\n1,2\r\n3,\r\n4,5\r\n", 3, "column y: the cell is empty"),
    (b"x,y\n1,2\n1,\xff\n4,5\n", 3, "column y: not valid UTF-8"),
    (b"x,y\n1,2\n\x00\x01\x02\n4,5\n", 3, "1 cell, but 2 columns"),
]


@pytest.mark.parametrize(("text", "line", "message"), FAULTS)
def test_a_bad_row_is_told_by_line_and_the_others_are_read(read, text, line, message):
    table = read(text)
    assert table.faults == [(line, message)]
    assert table.rows == [(1.0, 2.0), (4.0, 5.0)]


def test_a_quote_that_is_not_closed_is_a_fault_and_not_an_endless_cell(read):
    table = read('x,y\n1,2\n3,"4\n5,6\n')
    assert table.rows == [(1.0, 2.0)]
    assert [message for _, message in table.faults] == ["unexpected end of data"]


def test_bytes_that_are_no_text_are_a_fault_where_they_would_pass_through(read):
    content = b"id,x,y\na,1,2\n\xff,3,4\nb,5,6\n"
    assert read(content).rows == [(1.0, 2.0), (3.0, 4.0), (5.0, 6.0)]
    table = read(content, kept=("id",))
    assert table.faults == [(3, "not valid UTF-8")]
    assert table.texts == [("a",), ("b",)]


def test_with_stop_nothing_is_read_after_the_first_bad_row(read):
    table = read("x,y\n1,2\nbad,2\n3,4\nworse,4\n", stop=True)
    assert table.rows[0] == (1.0, 2.0)
    assert table.faults[0] == (3, "column x: 'bad' is not a number")
    assert all(block.bad <= 1 for block in table.blocks)


def test_the_first_faults_are_told_and_all_are_counted(read):
    table = read("x,y\n" + "a,1\n" * 100 + "1,2\n")
    assert sum(block.bad for block in table.blocks) == 100
    assert all(len(block.faults) <= point_rows.MOST_FAULTS for block in table.blocks)
    assert table.rows == [(1.0, 2.0)]


def test_a_file_with_headings_only_has_no_rows(read):
    assert read("x,y\n").rows == []
    assert read("x,y").rows == []


def test_an_empty_file_has_one_empty_heading(read):
    assert read("", used=()).headings == [""]
    assert read("\n \n", used=()).headings == [""]


def test_headings_may_be_longer_than_a_block(read):
    names = [f"column{k}" for k in range(300)]
    table = read(",".join(["x", "y", *names]) + "\n" + ",".join(["1"] * 302) + "\n")
    assert table.rows == [(1.0, 1.0)]
    assert table.headings[2:] == names


def test_lines_after_quoted_lines_are_counted(read):
    """A fault's line is where the row ends."""
    table = read('id,x,y\n"a\nb\nc",1,2\n"d\ne",1,\nf,3,4\n', kept=("id",))
    assert table.faults == [(5, "column y: the cell is empty")]
    assert table.texts == [("a\nb\nc",), ("f",)]


@pytest.mark.parametrize("content", [b"x,y\n" + b"1" * 5000, b"x,y\n" + b"1,1\n" + b'"' * 5001])
def test_a_line_without_end_is_refused(read, monkeypatch, content):
    monkeypatch.setattr(chunks, "LONGEST_LINE", 1000)
    monkeypatch.setattr(chunks, "BYTES_AT_ONCE", 64)
    with pytest.raises(LimitExceeded, match=r"line [23] is longer than"):
        read(content)


@pytest.mark.parametrize("before", ["", '1,2,a"b\n'])
def test_lines_inside_a_long_cell_are_no_rows(read, monkeypatch, before):
    """Quotes that are not in order, as in `a"b`, are read by Python's csv, which has a limit."""
    inside = "7,7,7\n" * 30_000
    content = f'x,y,z\n{before}1,2,"{inside}"\n3,4,c\n'
    assert read(content, kept=("z",)).texts[-2:] == [(inside,), ("c",)]
    monkeypatch.setattr(data, "LONGEST_CELL", 1 << 16)
    if before:
        with pytest.raises(LimitExceeded, match="a cell of line 3 is longer than"):
            read(content)


def test_zeros_without_end_are_refused():
    with pytest.raises(FileProblem, match="not a UTF-8 text file"):
        Table("/dev/zero")


@pytest.mark.parametrize("path", ["/no/such/file", "/", "a\0b"])
def test_what_cannot_be_opened_is_told(path):
    with pytest.raises(FileProblem, match="cannot read"):
        Table(path)


def test_headings_with_a_stray_quote_are_told(read):
    with pytest.raises(BackpropError, match="line 1: ',' expected after"):
        read('"x"y,y\n1,2\n')


CELLS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(
        ["", " 1", "1 ", '"1"', '"1,5"', "nan", "x", '"', '""', '"a\nb"', 'a"b', "1e5"]
    ),
    st.text(st.characters(codec="utf-8"), max_size=4),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.lists(CELLS, min_size=1, max_size=3), max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([3, 20, 1 << 20]),
)
def test_polars_and_any_size_of_block_read_what_python_reads(tmp_path_factory, rows, end, size):
    path = tmp_path_factory.mktemp("rows") / "d.csv"
    text = end.join(",".join(row) for row in [["x", "id"], *rows])
    path.write_bytes(text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(point_rows, "polars_for", lambda size: None)
        expected = Table(path, ("x",), ("id",))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "BYTES_AT_ONCE", size)
        patch.setattr(point_rows, "_ENOUGH_FOR_POLARS", 0)
        found = Table(path, ("x",), ("id",))
    assert (found.rows, found.texts) == (expected.rows, expected.texts)
    assert found.faults == expected.faults


def test_polars_is_used_where_rows_are_well_formed(tmp_path, monkeypatch):
    """The other tests would pass if it never were."""
    (tmp_path / "d.csv").write_text('id,x\n"a, b",1\nc,2\n')
    monkeypatch.setattr(point_rows, "_ENOUGH_FOR_POLARS", 0)
    monkeypatch.setattr(point_rows, "rows_of", lambda *_: pytest.fail("read by csv"))
    assert Table(tmp_path / "d.csv", ("x",), ("id",)).texts == [("a, b",), ("c",)]


def test_without_polars_files_are_read_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    monkeypatch.setattr(point_rows, "_ENOUGH_FOR_POLARS", 0)
    (tmp_path / "d.csv").write_text("x\n1\n2\n")
    assert Table(tmp_path / "d.csv", ("x",)).rows == [(1.0,), (2.0,)]


def test_a_pipe_is_not_waited_for(monkeypatch):
    """Rows come out although the writer keeps the pipe open."""
    reading, writing = os.pipe()
    os.write(writing, b"x\n1\n2\n3")
    monkeypatch.setattr(chunks, "_opened", lambda path, title: os.fdopen(reading, "rb", 0))
    found = Chunks("-")
    parts = iter(found)
    timer = threading.Timer(30, os.close, [writing])
    timer.start()
    begin = time.monotonic()
    assert next(parts).data == b"1\n2\n"
    assert time.monotonic() - begin < 20
    timer.cancel()
    os.close(writing)
    assert next(parts).data == b"3"


def test_numbers_read_back_to_the_last_bit(read):
    values = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0, 123456789.123456789, 1e-5, 2.0**-1074 * 3]  # fmt: skip
    table = read("x\n" + "\n".join(map(repr, values)), used=("x",))
    assert [row[0] for row in table.rows] == values
    assert math.copysign(1, table.rows[4][0]) == -1


def test_a_chunk_is_as_large_as_a_block_however_large_the_file(tmp_path, monkeypatch):
    """What is held of a file of 3 MB: a chunk of some kilobytes, and what was read behind it."""
    path = tmp_path / "d.csv"
    path.write_text("x,id\n" + '1.5,"a, b"\n2.5,c\n' * 150_000)
    monkeypatch.setattr(chunks, "BYTES_AT_ONCE", 4096)
    found = Chunks(str(path))
    largest = held = total = 0
    for chunk in found:
        largest, total = max(largest, len(chunk.data)), total + len(chunk.data)
        held = max(held, len(found._data))
    assert largest <= 3 * 4096
    assert held <= 4096
    assert total == path.stat().st_size - len("x,id\n")


@pytest.mark.parametrize(
    "content",
    [
        "x,y\n1,2\n".encode("utf-16"),
        "x,y\n1,2\n".encode("utf-16-be"),
        b"\xfe\xff" + "x,y\n1,2\n".encode("utf-16-be"),
        gzip.compress(b"x,y\n1,2\n"),
        b"PK\x03\x04\x14\0",
        bytes(100),
    ],
    ids=["utf-16", "utf-16 without mark", "big-endian", "gzip", "zip", "zeros"],
)
def test_what_is_no_text_is_said_to_be_none(tmp_path, content):
    path = tmp_path / "d.csv"
    path.write_bytes(content)
    with pytest.raises(FileProblem, match=r"d\.csv is not a UTF-8 text file"):
        Chunks(str(path))
    with pytest.raises(FileProblem, match=r"not a UTF-8 text file|not valid UTF-8 text"):
        read_columns(str(path), ("x", "y"))
