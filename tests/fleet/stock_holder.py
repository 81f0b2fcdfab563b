"""Holds entries as kazoo's LockingQueue does, and works on none of them.

Run as a child: ``python stock_holder.py HOSTS NUMBER``. It prints a line once it holds so many, and
then sleeps. It stands for a published executor whose claim's answer got lost: the lock is there,
and nobody knows of it.
"""

from __future__ import annotations

import sys
import time

from kazoo.client import KazooClient
from kazoo.recipe.queue import LockingQueue


def main() -> None:
    """Take, and keep."""
    client = KazooClient(sys.argv[1], timeout=40.0)
    client.start(timeout=30)
    queues = [LockingQueue(client, "/job") for _ in range(int(sys.argv[2]))]
    for queue in queues:
        if queue.get(timeout=30) is None:
            sys.exit("there is nothing to hold")
    print("holding", flush=True)
    time.sleep(600)


if __name__ == "__main__":
    main()
