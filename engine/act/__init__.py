"""What an operator does to the queue and its jobs."""
