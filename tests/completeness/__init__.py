"""What may be said of a backup."""
