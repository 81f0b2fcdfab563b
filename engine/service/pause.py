"""The pause node: while it is there, no executor of ours claims."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Protocol

from engine.errors import ZooKeeperError
from engine.models import Pause

log = logging.getLogger(__name__)


class Nodes(Protocol):
    """What of ZooKeeper is needed."""

    @property
    def is_connected(self) -> bool:
        """Whether a request can be sent."""

    def get(
        self, path: str, *, watch: Callable[[], None] | None = None, timeout: float | None = None
    ) -> tuple[bytes, Any] | None:
        """Return the data of a node."""


class PauseNode:
    """Follows the node by a watch, so that reading it costs nothing while nothing changes."""

    def __init__(self, zk: Nodes, path: str) -> None:
        """Args: path: the node."""
        self._zk = zk
        self._path = path
        self._changed = True
        self._reason: str | None = None

    def reason(self) -> str | None:
        """Return who paused, when and why, or None. What was read last counts while ZooKeeper is
        away: nothing can be claimed then anyway."""
        if self._changed and self._zk.is_connected:
            self._changed = False
            try:
                node = self._zk.get(self._path, watch=self._mark, timeout=5.0)
            except ZooKeeperError as error:
                self._changed = True
                log.debug("the pause node cannot be read: %s", error)
            else:
                self._reason = None if node is None else Pause.from_node(node[0]).describe()
        return self._reason

    def _mark(self) -> None:
        self._changed = True
