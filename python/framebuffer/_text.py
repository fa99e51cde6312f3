"""Text of other processes, and durations, in errors: as the Go library prints them."""

_ESCAPES = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", '"': '\\"', "\\": "\\\\"}


def quote(text: str, most: int = 0) -> str:
    """The text in double quotes, with characters that cannot be printed escaped; at most `most` characters of
    it, if that is not 0."""
    if most:
        text = text[:most]
    parts = []
    for c in text:
        if c in _ESCAPES:
            parts.append(_ESCAPES[c])
        elif c.isprintable():
            parts.append(c)
        elif ord(c) < 0x80:
            parts.append(f"\\x{ord(c):02x}")
        else:
            parts.append(f"\\u{ord(c):04x}" if ord(c) < 0x10000 else f"\\U{ord(c):08x}")
    return '"' + "".join(parts) + '"'


def harmless(text: str) -> str:
    """The text with all characters escaped that cannot be printed, so that it acts on no terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in text)


def clip(text: str) -> str:
    """The text, or its first 200 characters and an ellipsis."""
    return text if len(text) <= 200 else text[:200] + "…"


def duration(ns: int) -> str:
    """Nanoseconds as Go prints a duration: 1h0m0s, 1.5s, 20ms, 100µs."""
    if ns == 0:
        return "0s"
    sign, ns = ("-", -ns) if ns < 0 else ("", ns)
    for unit, size in (("ns", 1), ("µs", 1_000), ("ms", 1_000_000)):
        if ns < size * 1_000:
            return sign + _decimal(ns, size) + unit
    minutes, rest = divmod(ns, 60_000_000_000)
    hours, minutes = divmod(minutes, 60)
    text = _decimal(rest, 1_000_000_000) + "s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    if hours:
        text = f"{hours}h{text}"
    return sign + text


def _decimal(n: int, unit: int) -> str:
    whole, rest = divmod(n, unit)
    if not rest:
        return str(whole)
    return f"{whole}.{rest:0{len(str(unit)) - 1}d}".rstrip("0")


def errno_text(error: OSError) -> str:
    """The system's text of an error with a lower-case first letter, as Go has it."""
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]
