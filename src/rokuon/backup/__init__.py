"""The use cases: copy one recording, work on a window, back up now. Read `copy.py` first."""
