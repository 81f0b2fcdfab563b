"""What a search of the queue costs that reads each entry with a request of its own."""

from __future__ import annotations

import os

from kazoo.client import KazooClient

from engine.zookeeper.paths import ENTRIES, entry_path


def main() -> None:
    """List the queue, read all entries in turn, and print their number."""
    client = KazooClient(os.environ["NUVLA_ZK_HOSTS"])
    client.start(timeout=30)
    names = client.get_children(ENTRIES)
    found = sum(bool(client.get(entry_path(name))[0]) for name in names)
    print(f"{found} entries")
    client.stop()
    client.close()


if __name__ == "__main__":
    main()
