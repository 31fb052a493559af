"""Back up now: start, follow, pause, resume and cancel a run."""
