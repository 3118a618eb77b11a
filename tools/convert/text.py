"""Bytes as text, whatever a spreadsheet saved them as."""

import codecs

BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def encoding_of(data):
    """The encoding of a text: told by its first bytes, else UTF-8, else that of a western Windows."""
    for mark, name in BOMS.items():
        if data.startswith(mark):
            return name
    if data[1:200:2].count(0) > 50 or (len(data) > 3 and data[1:40:2].count(0) > len(data[1:40:2]) // 2):
        return "utf-16-le"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def decoded(data):
    """The text in bytes."""
    return data.decode(encoding_of(data), errors="replace")
