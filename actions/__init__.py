"""The shipped actions, one file each."""
