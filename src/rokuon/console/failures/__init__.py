"""What is not backed up, by cause, and what a person does about it."""
