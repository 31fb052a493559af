"""Sign-in by a mailed link, and a forgotten password."""
