"""The one place that joins the use cases to what they use: database, Dialpad, stores, queue, installation."""
