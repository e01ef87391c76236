"""Counts in words."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """ "1 run", "12,600 runs", "0 runs"; the plural where it is not the noun with an s."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
