"""A distributor of the published engine that distributes one thing; run by the peer's own Python.

Its code is untouched: its own distributions are taken off its list, and one is put on it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from nuvla.job_engine.job import distributions
from nuvla.job_engine.job.base import main
from nuvla.job_engine.job.distribution import DistributionBase
from nuvla.job_engine.job.distributor.distributor import Distributor


class Tick(DistributionBase):  # type: ignore[misc]  # the peer publishes no types
    """One job each second, which says who made it."""

    def __init__(self, distributor: Any) -> None:
        super().__init__("tick", distributor)
        self.collect_interval = 1
        self._start_distribution()

    def job_generator(self) -> Iterator[dict[str, Any]]:
        """Yield it."""
        yield {"action": "tick", "payload": json.dumps({"pid": os.getpid()})}


if __name__ == "__main__":
    distributions.distributions.clear()
    distributions.register_distribution("tick", Tick)
    main(Distributor)
