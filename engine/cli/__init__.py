"""The command line `nuvla-engine`."""
