"""The use cases of a backup: copy one recording, process a window, Back up now. Read `copy.py` first."""
