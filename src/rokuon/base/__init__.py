"""What every layer may use: languages, secrets, logs, addresses. It knows none of them."""
