"""The overview: is every recording backed up, since when not, and why not."""
