"""`nuvla-engine` with an altered clock or patience: ``altered.py OFFSET PATIENCE VERB ...``.

OFFSET: seconds that its wall clock is ahead, as the service reads it.
PATIENCE: seconds that it tries to write a result; 0 leaves the default.
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta, tzinfo

from engine.cli.main import main
from engine.service import intake
from engine.service.finish import FinishRules

OFFSET, PATIENCE = float(sys.argv[1]), float(sys.argv[2])


class Ahead(datetime):
    """A clock that is ahead."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Ahead:
        """Return the time, ahead."""
        now = datetime.now(tz) + timedelta(seconds=OFFSET)
        return cls.fromtimestamp(now.timestamp(), tz)


intake.datetime = Ahead  # type: ignore[attr-defined]  # the fault of this test
if PATIENCE:
    defaults = FinishRules.__init__.__kwdefaults__ or {}
    assert "patience" in defaults
    defaults["patience"] = PATIENCE

if __name__ == "__main__":
    sys.exit(main(sys.argv[3:]))
