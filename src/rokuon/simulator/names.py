"""Realistic and hostile names. Every world uses the first names of each list."""

# Two are called Billing; one ends in a dot, one has a slash, one attempts a path traversal, one is written right to left.
CENTERS = [
    "Support/East",
    "営業部 コンタクトセンター",
    "Billing",
    "Billing",
    "../../etc",
    "مركز الدعم",
    "Rückfragen & Reklamationen.",
    "billing",
    "Cafe\u0301 Service",
    "Café Service",
    "CON",
    "株式会社〇〇　カスタマーサポート①",
    " padded ",
    "長" * 120,
    "🎧 Helpdesk 🇯🇵",
]

TEAMS = ["新人研修チーム（東京）", "Sales / Onboarding.", "Team 2024?", "Billing"]

# (first, last). Two have the same name; some have a variation selector, half-width kana, compatibility ideographs, emoji or a slash;
# one is hostile: path traversal, NUL, header and markup injection.
PEOPLE = [
    ("陽子", "佐藤"),
    ("健一", "葛\U000e0100城"),
    ("ﾀﾛｳ", "ﾔﾏﾀﾞ"),
    ("大輔", "﨑山"),
    ("美咲", "髙橋"),
    ("Alex", "Rivera"),
    ("Alex", "Rivera"),
    ("محمد", "الأحمد"),
    ("🦊 Kit", "Foxx"),
    ("Sam/Chen", "Lee"),
    ("../..\\evil\x00", "<script>alert(1)</script>\r\nX-Injected: 1.mp3"),
    ("Zoë", "Müller-Lüdenscheidt"),
    ("נועה", "כהן"),
    ("Владимир", "Иванов"),
    ("Nguyễn", "Văn An"),
    ("Jean - Paul", "O'Brien - 123"),
    ("한별", "김"),
    ("CON", ""),
    ("A" * 90, "B" * 150),
    ("", ""),
]

GIVEN = ["Mia", "Noah", "翔太", "さくら", "Lena", "Omar", "Priya", "João", "Chloé", "直樹", "Ines", "Tom"]
FAMILY = ["田中", "Schmidt", "Garcia", "鈴木", "Okafor", "Rossi", "渡辺", "Novák", "Silva", "伊藤", "Brown", "小林"]

# The demo uses the first three; the zone of the second is a legacy alias, as Dialpad really sends it.
OFFICES = [
    ("東京本社", "Asia/Tokyo", "jp"),
    ("San Francisco", "US/Pacific", "us"),
    ("Berlin", "Europe/Berlin", "de"),
    ("Mumbai", "Asia/Kolkata", "in"),
    ("Lord Howe", "Australia/Lord_Howe", "au"),
    ("St. John's", "America/St_Johns", "ca"),
    ("Honolulu", "Pacific/Honolulu", "us"),
    ("Auckland", "Pacific/Auckland", "nz"),
]

COMPANIES = ["ロクオン商事", "Fuzz Ball Inc.", "Beispiel GmbH"]
