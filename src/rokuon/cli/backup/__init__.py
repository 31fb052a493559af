"""The commands of Back up now, and what they print."""
