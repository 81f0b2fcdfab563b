"""What is drawn, as values: pure functions from read-models to cells and lines."""
