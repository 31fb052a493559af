"""Search, details and playback of recordings."""
