"""Settings of company, office and target."""
