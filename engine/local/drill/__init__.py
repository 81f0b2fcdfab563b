"""The drill: twelve faults in a local platform, for who learns to be on call (docs/on-call.md)."""
