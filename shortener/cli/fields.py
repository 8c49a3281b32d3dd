"""The fields of links as options: which there are, and how what was typed becomes what the API takes."""

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from shortener.cli.client import moment
from shortener.cli.files import STANDARD_INPUT, json_in
from shortener.cli.output import complain
from shortener.cli.wording import option

Target = Annotated[str | None, typer.Option(help="Where the link leads.")]
NewCode = Annotated[str | None, typer.Option(help="A new code: history and statistics stay.")]
Clear = Annotated[list[str] | None, typer.Option(help="A field to empty, such as title; may be repeated.")]

#: Field → the option that gives it. Those that a command has by itself are not here.
OPTIONS: dict[str, Any] = {
    "title": Annotated[str | None, typer.Option(help="A name for people.")],
    "notes": Annotated[str | None, typer.Option(help="Anything worth remembering.")],
    "tags": Annotated[list[str] | None, typer.Option("--tag", help="A word to group by; may be repeated.")],
    "status": Annotated[int | None, typer.Option(help="301, 302, 307 or 308; default: the domain's or instance's.")],
    "enabled": Annotated[bool | None, typer.Option("--enable/--disable", help="Whether it leads anywhere.")],
    "valid_from": Annotated[str | None, typer.Option(help="Not before this moment, such as 2027-01-31T12:00:00Z.")],
    "expires_at": Annotated[str | None, typer.Option(help="Not from this moment on.")],
    "max_clicks": Annotated[int | None, typer.Option(help="How many people it redirects at most.")],
    "admit_programs": Annotated[
        bool | None,
        typer.Option("--admit-programs/--no-admit-programs", help="Whether robots may take clicks of --max-clicks."),
    ],
    "expired_target": Annotated[
        str | None, typer.Option(help="Where it leads when it is expired, exhausted or disabled.")
    ],
    "password": Annotated[
        str | None, typer.Option(help="What visitors are asked for; '-' asks you, or reads standard input.")
    ],
    "forward_query": Annotated[
        bool | None, typer.Option("--forward-query/--no-forward-query", help="Pass the visitor's query on.")
    ],
    "forward_path": Annotated[
        bool | None, typer.Option("--forward-path/--no-forward-path", help="Append what stands behind the code.")
    ],
    "track": Annotated[bool | None, typer.Option("--track/--no-track", help="Whether its clicks are counted.")],
    "rules": Annotated[
        str | None, typer.Option(metavar="FILE", help="JSON file with its rules; '-' is standard input.")
    ],
    "external_id": Annotated[str | None, typer.Option(help="What another system calls it.")],
}


def with_fields(command: Callable[..., None]) -> Callable[..., None]:
    """`command` with the options of OPTIONS in the place of its parameter `fields`, which gets what they say."""
    own = inspect.signature(command, eval_str=True)
    parameters: list[inspect.Parameter] = []
    for parameter in own.parameters.values():
        if parameter.name == "fields":
            parameters += (
                inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option)
                for name, option in OPTIONS.items()
            )
        else:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))

    @functools.wraps(command)
    def run(**given: Any) -> None:
        typed = {name: given.pop(name) for name in OPTIONS}
        command(fields=_fields(typed), **given)

    # What Typer looks at.
    run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def given(**values: Any) -> dict[str, Any]:
    """Those of `values` that were given."""
    return {name: value for name, value in values.items() if value is not None}


def changes(fields: dict[str, Any], clear: list[str] | None) -> dict[str, Any]:
    """`fields`, and those named in `clear` emptied. Exits where one is both."""
    emptied = [name.replace("-", "_") for name in clear or ()]
    both = next((name for name in emptied if name in fields), None)
    if both is not None:
        raise typer.Exit(complain(f"{option(both)}: it cannot be given and cleared at once", 2))
    return fields | {name: [] if name in {"tags", "rules"} else None for name in emptied}


def _fields(typed: dict[str, Any]) -> dict[str, Any]:
    if [typed["password"], typed["rules"]].count(STANDARD_INPUT) > 1:
        raise typer.Exit(complain("only one of --password and --rules can come from standard input", 2))
    return {name: _READ.get(name, _as_it_is)(value) for name, value in typed.items() if value is not None}


def _as_it_is(value: Any) -> Any:
    return value


def _password(value: str) -> str:
    """The password itself: asked for at a terminal, unseen, or else the first line of standard input."""
    if value != STANDARD_INPUT:
        return value
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")


#: How a field is read whose option is not its value.
_READ: dict[str, Callable[[Any], Any]] = {
    "valid_from": moment,
    "expires_at": moment,
    "password": _password,
    "rules": lambda name: json_in(name, "--rules"),
}
