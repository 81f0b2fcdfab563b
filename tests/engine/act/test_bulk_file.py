"""Tests of the file of an act in bulk: it survives what ends its process."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from engine.act.bulk_file import BulkFile, Order
from engine.errors import BulkError
from engine.models import Ending

ORDER = Order(
    act="cancel",
    filter="state=QUEUED",
    reason="flood",
    priority=7,
    subjects=tuple(f"job/{number}" for number in range(5)),
)


def test_what_was_done_is_known_when_it_is_taken_up_again(tmp_path: Path) -> None:
    file = BulkFile.create(tmp_path / "state", ORDER)
    assert file.pending(unknown=True) == [0, 1, 2, 3, 4]
    for place, ending in ((1, Ending.DONE), (0, Ending.REFUSED), (3, None)):
        file.begin(place)
        file.end(place, ending)
    file.begin(2)
    file.close()
    again = BulkFile.open(tmp_path / "state", file.id)
    assert again.order == ORDER
    assert again.pending(unknown=True) == [2, 3, 4]
    assert again.pending(unknown=False) == [3, 4]
    assert again.tally() == {Ending.DONE: 1, Ending.REFUSED: 1, Ending.MAYBE_APPLIED: 1}
    again.close()
    again.close()


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    file = BulkFile.create(tmp_path / "state", ORDER)
    file.close()
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700


def test_a_line_that_a_crash_cut_does_no_harm(tmp_path: Path) -> None:
    file = BulkFile.create(tmp_path, ORDER)
    file.begin(0)
    file.end(0, Ending.DONE)
    file.close()
    with file.path.open("ab") as lines:
        lines.write(b"[1, ")
    again = BulkFile.open(tmp_path, file.id)
    again.begin(2)
    again.end(2, Ending.DONE)
    again.close()
    assert BulkFile.open(tmp_path, file.id).pending(unknown=True) == [1, 3, 4]


def test_two_processes_do_not_work_on_it_at_once(tmp_path: Path) -> None:
    file = BulkFile.create(tmp_path, ORDER)
    with pytest.raises(BulkError, match="another process works on"):
        BulkFile.open(tmp_path, file.id)
    file.close()
    BulkFile.open(tmp_path, file.id).close()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage\n",
        b"[]\n",
        b'{"schema": "other"}\n',
        b'{"schema": "nuvla-engine/bulk/1"}\n',
        b"\xff\n",
    ],
)
def test_a_damaged_order_is_refused(tmp_path: Path, content: bytes) -> None:
    file = BulkFile.create(tmp_path, ORDER)
    file.close()
    file.path.write_bytes(content)
    with pytest.raises(BulkError, match="is damaged"):
        BulkFile.open(tmp_path, file.id)


def test_an_id_that_is_none_is_explained(tmp_path: Path) -> None:
    with pytest.raises(BulkError, match="cannot be read: No such file"):
        BulkFile.open(tmp_path, "20260101-000000-0000")
    for id in ("", "../../etc/passwd", "x"):
        with pytest.raises(BulkError, match="is not the id"):
            BulkFile.open(tmp_path, id)


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BulkError, match="cannot be written"):
        BulkFile.create(tmp_path / "file" / "state", ORDER)
