"""Faults on purpose, with real processes: tests for each core row of the failure matrix.

`docs/failure-tests.md` says which test shows which row. Every test uses the fixture `world`, whose
end is the shared audit of `audit.py`: nothing lost, nothing run twice, nothing kept, foreign locks
left alone.
"""
