"""What faulthandler writes is read, of whatever version, and cut off or not."""

from __future__ import annotations

import faulthandler
import tempfile
import threading

from engine.models import Frame
from engine.service.tracebacks import Known, parse

TEXT = """Thread 0x00007f1 (most recent call first):
  File "/usr/lib/python3.11/threading.py", line 320 in wait
  File "/opt/actions/poll.py", line 42 in do_work

Thread 0x00007f2 [exec-job/2] (most recent call first):
  File "/opt/a b/\\u1234 "x".py", line ??? in <module>
  ...

Current thread 0x00007f3 (most recent call first):
  Garbage-collecting
  <no Python frame>
"""


def nobody(_: int) -> None:
    return None


def test_threads_and_frames_are_read() -> None:
    first, second, third = sorted(parse(TEXT, nobody), key=lambda thread: thread.ident)
    assert (first.ident, first.name) == (0x7F1, "thread 0x7f1")
    assert first.frames[0] == Frame("wait", "threading.py", 320)
    assert first.frames[1] == Frame("do_work", "/opt/actions/poll.py", 42)
    assert second.name == "exec-job/2"
    assert [(frame.function, frame.line) for frame in second.frames] == [("<module>", 0)]
    assert third.frames == ()


def test_what_is_known_of_a_thread_comes_first() -> None:
    threads = parse(TEXT, {0x7F3: Known("exec-job/3", "job/3")}.get)
    assert (threads[0].name, threads[0].job_id) == ("exec-job/3", "job/3")


def test_a_text_that_is_cut_off_anywhere_is_read_as_far_as_it_goes() -> None:
    for end in range(len(TEXT)):
        assert len(parse(TEXT[:end], nobody)) <= 3
    assert parse("", nobody) == ()
    assert parse('  File "x", line 1 in f\n', nobody) == ()


def test_hostile_names_become_safe() -> None:
    text = 'Thread 0x1 [\x1b[2J] (most recent call first):\n  File "\x1b]0;x", line 1 in \x9b\n'
    (thread,) = parse(text, nobody)
    assert not any(char in thread.name + thread.frames[0].where for char in "\x1b\x9b")


def test_it_reads_what_this_interpreter_writes() -> None:
    with tempfile.TemporaryFile("w+") as file:
        faulthandler.dump_traceback(file, all_threads=True)
        file.seek(0)
        threads = parse(file.read(), {threading.get_ident(): Known("me", None)}.get)
    (me,) = [thread for thread in threads if thread.name == "me"]
    assert me.frames[0].function == "test_it_reads_what_this_interpreter_writes"
