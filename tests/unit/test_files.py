"""Writing whole files."""

import os
import threading
from pathlib import Path

import pytest

from nasdsl.files import check_writable, expanded, write_atomically


def test_folders_are_made_and_the_content_is_there(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a/b.txt", "text")
    assert (tmp_path / "a/b.txt").read_text() == "text"
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["b.txt"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "target.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to(tmp_path / "target.txt")
    write_atomically(tmp_path / "link.txt", "new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "target.txt").read_text() == "new"


def test_a_pipe_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_atomically(pipe, "through")
    reader.join()
    assert read == ["through"]
    assert pipe.is_fifo()


def test_a_folder_is_an_error_and_nothing_is_left_behind(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        write_atomically(tmp_path / "folder", "text")
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


def test_links_that_lead_in_a_circle_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    for path in (tmp_path / "a", tmp_path / "a" / "x.txt"):
        for action in (lambda p: write_atomically(p, "text"), check_writable):
            with pytest.raises(OSError, match="Too many levels of symbolic links") as found:
                action(path)
            assert found.value.filename == str(path)


def test_a_place_is_tried_and_left_as_it_is(tmp_path: Path) -> None:
    check_writable(tmp_path / "a/b.txt")
    assert [p.name for p in tmp_path.rglob("*")] == ["a"]
    (tmp_path / "c.txt").write_text("old")
    check_writable(tmp_path / "c.txt")
    assert (tmp_path / "c.txt").read_text() == "old"
    for path in (tmp_path / "c.txt/d", tmp_path / "a", Path("/proc/x")):
        with pytest.raises(OSError, match=r".") as found:
            check_writable(path)
        assert found.value.filename == str(path)


def test_nobodys_home_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert str(expanded("~/x")) == "/home/me/x"
    assert str(expanded("~no-such-user/x")) == "~no-such-user/x"
