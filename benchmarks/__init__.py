"""How fast the engine is, beside the published one, in one run on one machine."""
