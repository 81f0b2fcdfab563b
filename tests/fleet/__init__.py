"""Mixed fleets: executors and distributors of ours beside those of the published engine."""
