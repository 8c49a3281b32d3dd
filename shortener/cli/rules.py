"""Rules as people read them: a line each."""

from typing import Any


def line(rule: dict[str, Any]) -> str:
    """A rule: its name, all that must hold, and where it leads."""
    name = f"{rule['name']}: " if rule["name"] else ""
    held = " and ".join(map(condition, rule["conditions"])) or "always"
    status = f" ({rule['status']})" if rule["status"] else ""
    return f"{name}{held} → {rule['target'] or _split(rule['split'])}{status}"


def condition(given: dict[str, Any]) -> str:
    """A condition: what it is about, and what that must be."""
    stated = "=".join(part for part in (given["key"], given["value"]) if part is not None)
    return f"{given['type']} {stated}"


def _split(variants: list[dict[str, Any]]) -> str:
    whole = sum(variant["weight"] for variant in variants)
    return ", ".join(f"{each['name']} {100 * each['weight'] / whole:.4g}% {each['target']}" for each in variants)
