"""Passwords of links: which texts may be one, and their normal form. Hashing them is services/passwords'."""

from shortener import errors
from shortener.domain import text

#: Characters of the normal form. Four are enough against guessing, since few can be tried (password_tries); whoever
#: wants more chooses more. 256 characters have 1,024 bytes of UTF-8 at most.
MIN_LENGTH, MAX_LENGTH = 4, 256
#: Longest password that is normalised at all: composing characters may bring one down to MAX_LENGTH, but the time
#: it takes is quadratic in a run of combining marks.
_MAX_RAW_LENGTH = 4 * MAX_LENGTH


def check(password: str, *, name: str = "password") -> str:
    """`password` in normal form C, so that every keyboard and browser sends the same one.

    `name` is the field that the error blames; the error does not repeat the password. Raises PasswordInvalid.
    """
    normal = password
    if len(password) <= _MAX_RAW_LENGTH:
        wrong = text.forbidden_character(password)
        if wrong is not None:
            raise errors.PasswordInvalid(f"{text.visible(wrong)} cannot stand in a password.", field=name)
        normal = text.nfc(password)
    if not MIN_LENGTH <= len(normal) <= MAX_LENGTH:
        detail = f"The password has {len(normal)} characters; {MIN_LENGTH} to {MAX_LENGTH} are allowed."
        raise errors.PasswordInvalid(detail, field=name)
    return normal
