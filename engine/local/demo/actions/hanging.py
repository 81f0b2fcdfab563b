"""demo_hanging: waits for an answer that never comes, as a socket without a timeout does."""

from __future__ import annotations

import socket

from engine import Job, action


@action("demo_hanging")
class DemoHanging:
    """Never returns by itself, and does not look at `job.cancelled`."""

    def __init__(self, job: Job) -> None:
        """Args: job: the job to work on."""
        self.job = job

    def do_work(self) -> int:
        """Connect to a peer that accepts and is silent, and read."""
        self.job.set_status_message("asking the peer")
        with (
            socket.create_server(("127.0.0.1", 0)) as silent,
            socket.create_connection(silent.getsockname()[:2]) as peer,
        ):
            return len(peer.recv(1))
