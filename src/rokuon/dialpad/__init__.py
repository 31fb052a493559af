"""The Dialpad side: listing calls, fetching audio, reading the directory. The only place that speaks HTTP to Dialpad."""
