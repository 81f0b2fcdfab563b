"""How long each thing may take before it is a sign: seconds, unless they say otherwise."""

from __future__ import annotations

ENQUEUE = 60.0
"""The server makes the entry and the document at nearly the same time, not at once."""
NOTICED = 20.0
"""A member writes what it works on once a second; a busy machine is slower."""
FOREIGN_START = 300.0
"""An executor that does not announce itself has so long to set RUNNING after it took a job."""
SETTLED = 60.0
"""A lock goes with the write of the final document; the API may be slow."""
PROGRESS = 300.0
"""Whose document was written so lately is not hung."""
HUNG_TIMES = 2.0
"""Hung is past so many times the longest run of the action."""
HUNG_LEAST = 300.0
HISTORY_LEAST = 5
"""Finished jobs of the action that make a history."""
UNKNOWN_RUN = 3600.0
"""Without a history, a run of this length needs a stack to be judged."""
SAMPLES = 3
"""Stack samples that have to be equal."""
NO_START = 60.0
"""While something waits, an executor that takes jobs starts one within it, or is busy."""
STARVED = 600.0
"""A place that did not improve within it."""
FLAPS = 5
"""Times taken and released, within FLAP_WINDOW."""
FLAP_WINDOW = 600.0
FLAP_RECENT = 150.0
"""What was released last before that flaps no more: ours try again within about a minute."""
JAVA_LISTING = 43_600
"""Entries that Java clients can list: a reply over 1 MB is refused (measured)."""
INTERVALS = 3
"""Intervals of a distributor that may pass without jobs."""
