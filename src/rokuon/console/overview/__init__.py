"""The overview: whether every recording is backed up, and if not, since when and why."""
