"""Our executor with the published engine installed beside it: argv[1] is `executor` or `list`.

The published one's packages come last on the path, so ours are those that count.
`list [MODULE ...]` prints what is registered, as if the named modules were not installed.
"""

from __future__ import annotations

import json
import os
import sys
from types import SimpleNamespace

sys.path[0] = os.environ["OUR_ROOT"]
sys.path.append(os.environ["PEER_PACKAGES"])

from engine.cli.main import main  # noqa: E402  # found through the lines above
from engine.service.discovery import discover  # noqa: E402

UPSTREAM = "nuvla.job_engine.job.actions"

if __name__ == "__main__":
    if sys.argv[1] == "list":
        for name in sys.argv[2:]:
            sys.modules[name] = None  # type: ignore[assignment]  # how Python spells "not there"
        found = discover(["actions"], instead=[UPSTREAM])
        places = {name: plugin.place for name, plugin in found.actions.items()}
        print(json.dumps({"places": places, "broken": [str(one) for one in found.broken]}))
    else:
        from nuvla.job_engine.job import util

        # Its dummy action waits for 3 to 30 s; nothing else of upstream's asks for a random time.
        util.random = SimpleNamespace(uniform=lambda low, high: 0.1)
        sys.exit(main([*sys.argv[1:], "--actions-from", UPSTREAM]))
