"""The system page: the state of the installation."""
