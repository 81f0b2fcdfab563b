"""The Textual console over the engine."""
