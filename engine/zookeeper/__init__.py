"""The coordination side: the queue, the elections and the members, in ZooKeeper."""
