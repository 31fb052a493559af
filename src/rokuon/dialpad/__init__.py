"""Client of Dialpad: lists calls, fetches audio, reads the directory. Only this package sends HTTP requests to Dialpad."""
