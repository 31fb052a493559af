"""The single checks of `rokuon doctor`. None of them changes anything, each answers within seconds, and each says what to do."""
