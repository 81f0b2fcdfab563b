"""What runs headless: executors and distributors."""
