"""The shipped distributors, one file each."""
