"""Files that others wrote are opened and parsed within limits, and what is over one has a place."""

from __future__ import annotations

import os
import socket

import pytest
import yaml

from tarmac.base.errors import BadInput
from tarmac.base.foreign import data, files
from tarmac.base.written import amount


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.yaml").write_text("a: 1\r\nb: 2\n", newline="")
    return tmp_path


def test_a_regular_file_is_read_and_its_lines_end_in_newlines(folder):
    assert files.content(folder / "a.yaml") == b"a: 1\r\nb: 2\n"
    assert files.text(folder / "a.yaml") == "a: 1\nb: 2\n"


@pytest.mark.timeout(20)
def test_what_is_no_regular_file_is_refused_without_waiting_for_it(folder):
    os.mkfifo(folder / "pipe")
    (folder / "endless").symlink_to("/dev/zero")
    (folder / "nowhere").symlink_to("not/there")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(os.path.relpath(folder / "socket"))
    said = {}
    for name in ("pipe", "endless", "nowhere", "socket", "a\0b", "."):
        with pytest.raises(OSError, match=r".") as error:
            files.content(folder / name)
        said[name] = error.value.strerror
    listener.close()
    assert said == {
        "pipe": "a named pipe, not a regular file",
        "endless": "a device, not a regular file",
        "nowhere": "No such file or directory",
        "socket": "a socket, not a regular file",
        "a\0b": "embedded null byte",
        ".": "Is a directory",
    }


def test_a_file_over_the_limit_is_refused_and_its_start_can_be_read(folder):
    (folder / "big").write_bytes(b"x" * 101)
    with pytest.raises(OSError, match="101 bytes, where at most 100 are read"):
        files.content(folder / "big", limit=100)
    assert len(files.content(folder / "big", limit=101)) == 101
    assert files.content(folder / "big", limit=3, start=True) == b"xxx"


def test_a_file_without_a_size_is_read_up_to_the_limit():
    assert files.content("/proc/self/status", limit=100_000).startswith(b"Name:")
    with pytest.raises(OSError, match="at most 5 are read"):
        files.content("/proc/self/status", limit=5)


def test_a_link_is_followed_inside_the_root_and_not_out_of_it(folder):
    root = folder / "root"
    (root / "below").mkdir(parents=True)
    (root / "own.yaml").write_text("own\n")
    (root / "inside").symlink_to("own.yaml")
    (root / "outside").symlink_to("../a.yaml")
    (root / "folder").symlink_to("..")
    assert files.text(root / "inside", root=root) == "own\n"
    assert files.text(root / "outside") == "a: 1\nb: 2\n"
    for name in ("outside", "folder/a.yaml", "below/../../a.yaml"):
        with pytest.raises(BadInput, match=r"a link that leads out of .*; put the file itself"):
            files.text(root / name, root=root)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"a: b\nc: caf\xe9\n", "x:2:7: not UTF-8 (byte 0xe9); save the file as UTF-8"),
        (b"\xef\xbb\xbfa\xff", "x:1:5: not UTF-8 (byte 0xff); save the file as UTF-8"),
        ("a".encode("utf-16"), "x:1:1: the file is UTF-16; save it as UTF-8"),
    ],
)
def test_what_is_not_utf_8_is_named_with_its_place(raw, said):
    with pytest.raises(BadInput) as error:
        files.decoded(raw, "x")
    assert str(error.value) == said


BOMB = "a0: &a0 [x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)
MERGES = "a0: &a0 {k: v}\n" + "".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 9)
)
DEEP = {
    "lists": "[" * 50_000,
    "mappings": "{a: " * 50_000,
    "dashes": "- " * 50_000,
    "keys": "? " * 50_000,
    "lines": "".join(f"{' ' * n}a:\n" for n in range(1500)),
    "closed in quotes": '["]", ' * 50_000,
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_nested_yaml_is_refused_before_anything_follows_it_by_recursion(text):
    with pytest.raises(yaml.YAMLError, match="nested deeper than 100"):
        data.from_yaml(text)


@pytest.mark.parametrize("depth", [49, 99, 100])
@pytest.mark.parametrize("unit", ["[", "- "])
def test_what_is_nested_up_to_the_limit_is_read(depth, unit):
    ends = "]" * depth if unit == "[" else ""
    (found,) = data.from_yaml(unit * depth + ends)
    count = 0
    while isinstance(found, list):
        found, count = found[0] if found else None, count + 1
    assert count == depth


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "aliases make it more than 200000 values"),
        (MERGES, "aliases make it more than 200000 values"),
        ("a: &a [*a]", "an alias refers to a mapping or list that contains it"),
        ("a: &a {<<: *a}", "an alias refers to a mapping or list that contains it"),
        ("a: [" + "1," * 200_001 + "]", "more than 200000 values"),
        ("b: 1\na: " + "9" * 5000, "a number of more than 60 digits"),
        ("a: 0x" + "f" * 5000, "a number of more than 60 digits"),
        ("a: 1\nb: !!timestamp x", "line 2, column 4"),
        ("a: !!bool maybe", "'maybe' is no bool, put it in quotes"),
        ("a: !!timestamp x", "'x' is no timestamp"),
        ("a: 0x_", "'0x_' is no int"),
        ('a: !!int ""', "'' is no int"),
        ("a: !Ref b", "could not determine a constructor for the tag"),
        ("\0", "unacceptable character"),
    ],
)
def test_whatever_is_wrong_with_yaml_is_an_error_of_yaml(text, said):
    with pytest.raises(yaml.YAMLError) as error:
        data.from_yaml(text)
    assert said in str(error.value)
    assert data.first(text) is None


def test_tags_of_compose_are_read_as_what_a_merge_leaves():
    text = "ports: !reset []\nlabels: !override {a: b}\ndns: !override [x]\nuser: !override root\n"
    expected = {"ports": None, "labels": {"a": "b"}, "dns": ["x"], "user": "root"}
    assert data.from_yaml(text) == [expected]


def test_what_gitlab_refers_to_is_read_as_not_known():
    text = "script: [!reference [.a, script], make]\nneeds: !reference text\n"
    expected = {"script": [{"!reference": [".a", "script"]}, "make"], "needs": {"!reference": []}}
    assert data.from_yaml(text) == [expected]


def test_an_equals_sign_is_a_text():
    assert data.from_yaml("enum:\n- '!='\n- =\n- =~\n") == [{"enum": ["!=", "=", "=~"]}]


def test_numbers_are_read_as_programs_in_go_read_them():
    text = "a: 1e+06\nb: 0o755\nc: 5e-1\nd: 1e99\ne: '1e6'\nf: 1e400\ng: 0o9\nh: 1e6x\n"
    (found,) = data.from_yaml(text)
    assert found == {
        "a": 1_000_000, "b": 0o755, "c": 0.5, "d": 1e99, "e": "1e6", "f": "1e400", "g": "0o9",
        "h": "1e6x",
    }  # fmt: skip
    assert isinstance(found["a"], int)


def test_an_anchor_that_is_defined_again_stands_for_what_it_was_last():
    text = "a: &n é\nb: *n\nc: [&n {d: 1}, *n]\ne: *n\n---\na: &n 2\nb: *n\n"
    assert data.from_yaml(text) == [
        {"a": "é", "b": "é", "c": [{"d": 1}, {"d": 1}], "e": {"d": 1}},
        {"a": 2, "b": 2},
    ]


def test_an_alias_that_repeats_little_is_read():
    assert data.from_yaml("a: &a [x]\nb: [*a, *a]\n") == [{"a": ["x"], "b": [["x"], ["x"]]}]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 100_000, "x.json:1:101: not JSON (nested deeper than 100); correct it"),
        ('{"a":' * 100_000, "x.json:1:501: not JSON (nested deeper than 100); correct it"),
        ("[\n" + "1," * 200_001, "x.json:2:400000: not JSON (more than 200000 values); correct it"),
        ("9" * 5000, "x.json: not JSON (Exceeds the limit"),
        (
            '{"a": "\\ud800"}',
            "x.json: not JSON ('\\ud800' is an incomplete character; write the whole character)",
        ),
        ("{", "x.json:1:2: not JSON"),
    ],
)
def test_whatever_is_wrong_with_json_has_a_place(text, said):
    with pytest.raises(ValueError, match=r".") as error:
        data.from_json(text)
    assert str(data.problem("x.json", error.value)).startswith(said)


def test_brackets_in_text_nest_nothing():
    assert data.from_json('{"a": "' + "[" * 500 + '\\"[", "b": "\\ud83d\\ude00"}')["b"] == "😀"
    assert data.from_yaml("a: '" + "[" * 500 + "'") == [{"a": "[" * 500}]


@pytest.mark.parametrize("text", ["9" * 5000, "1E999999999", "Infinity", "NaN", "²", "1_0", ""])
def test_an_amount_is_of_a_size_that_there_is(text):
    with pytest.raises(ValueError, match=r"is not an amount; write e\.g\. 250m or 256Mi") as error:
        amount(text)
    assert len(str(error.value)) < 100


def test_a_date_of_no_day_is_a_text_as_readers_in_go_take_it():
    assert data.from_yaml("a: 2026-13-45") == [{"a": "2026-13-45"}]
