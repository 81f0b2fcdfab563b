"""Tests of engine.local.folder."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from engine.errors import LocalPlatformError
from engine.local import folder as folder_module
from engine.local.folder import DataFolder


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    """A folder that is ours."""
    data = DataFolder(tmp_path / "data")
    data.acquire()
    return data


def test_a_folder_has_one_owner_at_a_time(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_module, "LOCK_PATIENCE", 0.1)
    other = DataFolder(folder.path)
    with pytest.raises(LocalPlatformError, match="already"):
        other.acquire()
    folder.release()
    other.acquire()
    other.release()


def test_a_folder_that_cannot_be_made_is_told() -> None:
    with pytest.raises(LocalPlatformError, match="cannot use"):
        DataFolder(Path("/proc/nowhere")).acquire()


def test_ports_are_remembered_while_they_are_free(folder: DataFolder) -> None:
    port = folder.port("api", 0)
    assert folder.port("api", 0) == port
    with socket.create_server(("127.0.0.1", port)):
        assert folder.port("api", 0) != port
    folder.release()


def test_a_wanted_port_is_taken_and_remembered(folder: DataFolder) -> None:
    free = folder.port("zookeeper", 0)
    assert folder.port("api", free) == free
    assert folder.port("api", 0) == free
    folder.release()


@pytest.mark.parametrize("content", ["", "[]", '{"api": "x"}', '{"api": 99999}', "\x00"])
def test_damaged_notes_of_ports_are_no_obstacle(folder: DataFolder, content: str) -> None:
    (folder.path / "ports.json").write_text(content, encoding="ascii")
    assert 0 < folder.port("api", 0) < 65536
    folder.release()


def test_the_password_is_made_once_and_is_private(folder: DataFolder) -> None:
    password = folder.password()
    assert len(password) >= 20
    assert folder.password() == password
    assert stat.S_IMODE(folder.password_file.stat().st_mode) == 0o600
    folder.release()


def test_a_password_file_that_was_never_filled_is_filled(folder: DataFolder) -> None:
    folder.password_file.touch(mode=0o600)
    assert folder.password()
    folder.release()
