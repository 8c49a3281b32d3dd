"""Words of the command line for what the API calls by the names of fields, parameters and headers: the options and
arguments of the command that runs. All that commands repeat of the API's messages goes through here.
"""

import re
from collections.abc import Mapping
from typing import Any

from typer.core import TyperArgument
from typer.main import get_current_context  # type: ignore[attr-defined]  # in a private module since 0.29

#: Parameters of commands, by the field, parameter or header that they give, where that is called otherwise.
_PARAMETERS = {
    "accept_language": ("language",),
    "class": ("classes",),
    "code": ("new_code", "alias", "code"),
    "id": ("link_id", "change", "key_id"),
    "name": ("name", "tag"),
}
#: Inside messages: fields stand in backticks.
_NAMES = re.compile(r"`([a-z_]+)`|\b(If-Match|Idempotency-Key)\b")
#: In which a field lies that is given by itself.
_WRAPPER = "changes."
#: What to say instead of what the API says to programs, by the code of the problem.
_MESSAGES = {
    "key-missing": "This server asks for an API key: give one by --key or SHORTENER_API_KEY.",
    "version-mismatch": "The link has been changed since you looked at it: look at it again before you change it.",
}
#: In messages that are for programs too.
_PHRASES = {
    "or null.": "or none.",
    "PATCH the link instead": "use `link edit` instead",
}
#: The same, in commands that choose the Idempotency-Key themselves.
_OWN_KEYS = {"A request with this Idempotency-Key": "An import of the same links"}


def reasons(problem: Mapping[str, Any]) -> list[str]:
    """The messages of a problem document, one for each input at fault. Raises KeyError if it is none."""
    fields = problem.get("errors") or []
    instead = _MESSAGES.get(str(problem.get("code")))
    if not fields:
        return [instead or in_options(problem["detail"])]
    return [_reason(field["field"], instead or in_options(field["message"])) for field in fields]


def in_options(message: str) -> str:
    """`message` with the fields and headers in it called as the command calls them that takes them."""
    has_key = _known("Idempotency-Key") is not None
    for phrase, words in (_PHRASES if has_key else _PHRASES | _OWN_KEYS).items():
        message = message.replace(phrase, words)
    return _NAMES.sub(lambda match: _known(match[1] or match[2]) or match[0], message)


def option(field: str) -> str:
    """How the command that runs is given `field`, such as `--expires-at`; as it is, where it has no such option.

    Of a list that is read from a file its place too.
    """
    field = field.removeprefix(_WRAPPER)
    name, _, place = field.partition(".")
    known = _known(name)
    if known is None:
        return field
    return f"{known}, {field}" if place and not place.isdecimal() else known


def _reason(field: str, message: str) -> str:
    return message if field == _WRAPPER.rstrip(".") else f"{option(field)}: {message}"


def _known(name: str) -> str | None:
    """The option or argument of the command that runs that gives the field or header `name`, None if none does."""
    context = get_current_context(silent=True)
    if context is None:
        return None
    name = name.lower().replace("-", "_")
    if name in [cleared.replace("-", "_") for cleared in context.params.get("clear") or ()]:
        return f"--clear {name.replace('_', '-')}"
    if any(written.startswith(f"{name}=") for written in context.params.get("where") or ()):
        return f"--where {name}"
    by_name = {parameter.name: parameter for parameter in context.command.params}
    found = next((by_name[each] for each in _PARAMETERS.get(name, (name,)) if each in by_name), None)
    if found is None:
        return None
    if isinstance(found, TyperArgument):
        return str(found.metavar or found.name).upper()
    # The one that takes it back, if that was given.
    names = found.secondary_opts if context.params.get(found.name) is False else found.opts
    return str(names[0])
