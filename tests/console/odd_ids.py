"""Texts in the place of an id that name no row, though Python or the database might take some of them for a number, or fall over it."""

ODD_IDS = (
    "9" * 5000,  # int() refuses more than 4,300 digits with an error
    "9" * 30,
    "9223372036854775808",  # 2^63
    "-1",
    "+1",
    " 1",
    "1\n",
    "1_0",
    "1.0",
    "0x1",
    "\uff11\uff12",  # full-width
    "\u0661",  # Arabic-Indic
    "\u00b2",  # a digit to isdigit(), an error to int()
    "\u0bf0",  # a number to isnumeric()
    "1e3",
    "NaN",
    "",
    "1\0",
    "1;DROP TABLE ledger_copy",
)
