"""The local platform: a real ZooKeeper and a local Nuvla API on loopback."""
