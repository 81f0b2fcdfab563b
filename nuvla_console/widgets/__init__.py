"""The console's own widgets. None of them knows a screen."""
