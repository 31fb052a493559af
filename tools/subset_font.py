"""Make the font of PDF files from Noto Sans JP: fewer characters, no layout features. Needs fontTools, which Rokuon does not.

python tools/subset_font.py NotoSansJP_400Regular.ttf src/rokuon/wiring/fonts/NotoSansJP-Regular-subset.ttf
"""

import sys
from collections.abc import Iterator

from fontTools import subset

RANGES = (
    *((0x20, 0x7E), (0xA0, 0x17F), (0x370, 0x45F), (0x2010, 0x205F), (0x20A0, 0x20BF), (0x2100, 0x22FF), (0x2460, 0x25FF)),
    *((0x2713, 0x2717), (0x3000, 0x30FF), (0x3200, 0x33FF), (0xFF00, 0xFFEF)),
)
"""Letters, signs and kana, both ends included."""
KANJI = ((0x3400, 0x9FFF), (0xF900, 0xFAFF))
CODECS = ("euc_jis_2004", "cp932")


def characters() -> Iterator[int]:
    for first, last in RANGES:
        yield from range(first, last + 1)
    for first, last in KANJI:
        yield from (code for code in range(first, last + 1) if any(_has(codec, code) for codec in CODECS))


def _has(codec: str, code: int) -> bool:
    try:
        chr(code).encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def main(source: str, made: str) -> None:
    options = subset.Options(layout_features=[], hinting=False, name_IDs=["*"], notdef_outline=True)
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "BASE", "VORG", "vhea", "vmtx", "STAT"]
    font = subset.load_font(source, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=characters())
    subsetter.subset(font)
    subset.save_font(font, made, options)


if __name__ == "__main__":
    main(*sys.argv[1:])
