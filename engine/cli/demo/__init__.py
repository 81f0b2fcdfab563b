"""The demonstration: a whole installation on this machine, busy, and what happens in it."""
