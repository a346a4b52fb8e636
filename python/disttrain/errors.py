"""The error of everything that a user can get wrong, and sentences in it."""


class Error(ValueError):
    """A file, value or model that cannot be used; its text is one sentence that says what to do."""


def listed(items, most=8):
    """The first items in order, and the number of all others."""
    items = list(items)
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more


def counted(count, noun):
    """A number with its noun, such as "1 tensor" or "2 tensors"."""
    return f"{count} {noun}" + ("" if count == 1 else "s")
