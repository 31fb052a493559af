"""What is known of a backup, and what may therefore be said of it."""
