"""Pictures of the console, and what takes them: `make screenshots`."""
