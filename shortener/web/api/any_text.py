"""Parts of paths that are any text, slashes and newlines too. Other parts of a path end at a slash."""

from starlette.convertors import PathConvertor, register_url_convertor


class _AnyText(PathConvertor):
    """The framework's own `path` stops before a newline at the end, and would take `sale%0A` for `sale`."""

    regex = r"[\s\S]*"


_NAME = "any_text"
register_url_convertor(_NAME, _AnyText())
#: A tag in a path: `tag` is then a parameter of the route.
TAG = f"{{tag:{_NAME}}}"
