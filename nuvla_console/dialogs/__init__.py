"""Modal screens of one purpose each."""
