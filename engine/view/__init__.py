"""What is seen, by the verbs and by the console alike."""
