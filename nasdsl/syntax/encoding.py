"""From the bytes of a file to text: what is not UTF-8 text is named, with the way out."""

from __future__ import annotations

from nasdsl.diagnostics.diagnostic import Diagnostic, InvalidSpace
from nasdsl.source import Source, Span

_MARKS = {b"\xff\xfe\0\0": "utf-32", b"\0\0\xfe\xff": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_SIGNATURES = {
    b"PK\x03\x04": "a zip archive (such as a file of weights of PyTorch)", b"\x7fELF": "a program", b"\x89PNG": "a PNG",
    b"\xff\xd8\xff": "a JPEG", b"%PDF": "a PDF", b"\x1f\x8b": "a gzip archive", b"SQLite": "a database",
}  # fmt: skip


def decoded(name: str, data: bytes) -> Source:
    """The text of a file, without a byte order mark.

    Raises:
        InvalidSpace: The bytes are not UTF-8 text; the diagnostic says what they probably are.

    >>> decoded("a.nas", "space s {}".encode("utf-8-sig")).text
    'space s {}'
    """
    coding = next((coding for mark, coding in _MARKS.items() if data.startswith(mark)), None) or _wide(data)
    if coding is not None:
        text = data.decode(coding, errors="replace").removeprefix("\ufeff")
        command = f"iconv -f {coding.upper()} -t UTF-8 {name}"
        hint = f"save it as UTF-8, with an editor or: {command} > utf8.nas"
        raise _not_text(Source(name, text), 0, f"the file is {coding.upper()} text, and UTF-8 is read", hint)
    kind = next((kind for mark, kind in _SIGNATURES.items() if data.startswith(mark)), None)
    if kind is not None or b"\0" in data:
        hint = "a space is a text file that ends in .nas"
        raise _not_text(Source(name, ""), 0, f"the file is {kind or 'binary'}, not text", hint)
    try:
        return Source(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        text = data.decode("utf-8-sig", errors="replace")
        before = len(data[: error.start].decode("utf-8-sig", errors="replace"))
        message = f"byte 0x{data[error.start]:02x} is not UTF-8 text"
        hint = f"save the file as UTF-8; if it was written on Windows: iconv -f WINDOWS-1252 -t UTF-8 {name} > utf8.nas"
        raise _not_text(Source(name, text), before, message, hint) from None


def _wide(data: bytes) -> str | None:
    """The name of UTF-16 without a mark: every other byte of its first characters is zero."""
    first = data[:64]
    if len(first) < 4 or len(data) % 2:
        return None
    if not any(first[::2]) and all(first[1::2]):
        return "utf-16-be"
    return "utf-16-le" if not any(first[1::2]) and all(first[::2]) else None


def _not_text(source: Source, start: int, message: str, hint: str) -> InvalidSpace:
    end = min(start + 1, len(source.text))
    return InvalidSpace([Diagnostic("E0104", message, Span(source, start, end), "", help=hint)])
