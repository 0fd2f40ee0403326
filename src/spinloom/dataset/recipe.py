"""Recipes: TOML → Recipe → TOML. Every fault is named by file and key, with the nearest key that exists."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from spinloom.core.errors import InputError, UsageError, nearest
from spinloom.core.version import __version__
from spinloom.dataset.draw import parse, plain
from spinloom.dataset.fields import Recipe
from spinloom.dataset.own_rules import parse_own
from spinloom.dataset.recipe_files import content_hash
from spinloom.files import gate, hashes

CAP_BYTES = 2**20
SHOWN = 80


def read_recipe(
    path: str | os.PathLike[str] | None = None,
    *,
    subjects: int | None = None,
    seed: int | None = None,
    layout: str | None = None,
) -> Recipe:
    """The recipe in a TOML file (None: the default one), with what the command line says laid over it.

    Without `subjects`, a recipe that names phantom files makes one subject of each.
    Raises InputError for a file that is no TOML, UsageError for unknown keys and impossible values.
    """
    value: dict[str, Any] = {}
    if path is not None:
        text = gate.read_text(path, cap_bytes=CAP_BYTES)
        try:
            value = tomllib.loads(text)
        except (ValueError, RecursionError) as error:  # ValueError: also of an integer of thousands of digits
            raise InputError(f"is not TOML: {error}", file=path, remedy="See `spinloom list recipe`.") from None
    if subjects is not None:
        value["subjects"] = subjects
    if seed is not None:
        value["seed"] = seed
    if layout is not None:
        output = value.setdefault("output", {})
        if isinstance(output, dict):
            output["layout"] = layout
    recipe = from_plain(value, file=path)
    if "subjects" not in value and recipe.phantom.files:
        recipe = recipe.model_copy(update={"subjects": len(recipe.phantom.files)})
    if path is not None:
        recipe = _rooted(recipe, Path(path).resolve().parent)
    return recipe


def from_plain(value: dict[str, Any], *, file: str | os.PathLike[str] | None = None) -> Recipe:
    """A JSON or TOML value → Recipe; UsageError names the first faults by key."""
    try:
        return Recipe.model_validate(value)
    except ValidationError as error:
        errors = error.errors()
        places = [e["loc"] for e in errors]
        deepest = [e for e in errors if not any(p != e["loc"] and p[: len(e["loc"])] == e["loc"] for p in places)]
        faults = [_fault(e) for e in deepest[:3]]
        raise UsageError("; ".join(faults), file=file or "recipe", remedy="See `spinloom list recipe`.") from None


def to_plain(recipe: Recipe) -> dict[str, Any]:
    """The resolved recipe as a JSON value; from_plain(to_plain(recipe)) == recipe."""
    value: dict[str, Any] = recipe.model_dump(mode="json", exclude_none=True)
    return value


def to_toml(recipe: Recipe) -> str:
    """The resolved recipe as TOML: every field, default or not."""
    import tomli_w

    head = (
        f"# Resolved recipe, written by Spinloom {__version__}. Make it again: spinloom generate OUT --recipe THIS\n\n"
    )
    return head + tomli_w.dumps(to_plain(recipe))


def config_hash(recipe: Recipe) -> str:
    """Hash of everything that decides the bytes: resolved recipe, program version, content of the input files."""
    value = to_plain(recipe)
    inputs = [*recipe.phantom.files, *(p.file for p in recipe.protocol if p.file)]
    return hashes.sha256_json({"recipe": value, "inputs": [content_hash(p) for p in inputs], "version": __version__})


def describe() -> list[dict[str, str]]:
    """A row per field: key, type, unit, default, text."""
    return _rows(Recipe, "")


def _rows(model: type[BaseModel], prefix: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    for name, field in model.model_fields.items():
        inner = _section(field)
        if inner is not None:
            many = "[]" if "tuple" in str(field.annotation) else ""
            rows += _rows(inner, f"{prefix}{name}{many}.")
            continue
        extra = field.json_schema_extra
        default = field.default
        rows.append(
            {
                "key": prefix + name,
                "type": _type(field),
                "unit": str(extra.get("unit", "")) if isinstance(extra, dict) else "",
                "default": "" if default in (None, (), {}) else str(plain(default) if _is_draw(field) else default),
                "text": field.description or "",
            }
        )
    return rows


def _section(field: FieldInfo) -> type[BaseModel] | None:
    """The model behind a field that is a section or a list of sections."""
    for candidate in (field.annotation, *get_args(field.annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _is_draw(field: FieldInfo) -> bool:
    return any(getattr(m, "func", None) in (parse, parse_own) for m in field.metadata)


def _type(field: FieldInfo) -> str:
    if _is_draw(field):
        return "value or draw"
    text = str(field.annotation)
    if text.startswith("typing.Literal"):
        return " | ".join(str(v) for v in get_args(field.annotation))
    if "Rule" in text or text.startswith("dict"):
        return "table of values or draws"
    if "tuple" in text:
        return "list of text"
    for word, name in (("str", "text"), ("bool", "true | false"), ("int", "integer"), ("float", "number")):
        if word in text:
            return name
    return text


def _fault(error: Any) -> str:
    """One pydantic error as "key: what is wrong"."""
    where = [str(part) for part in error["loc"]]
    key = ".".join(where) or "recipe"
    if error["type"] == "extra_forbidden":
        known = list(_model_at(error["loc"][:-1]).model_fields)
        return f"unknown key '{key}'. {nearest(where[-1], known)}".rstrip(".")
    text = error["msg"].removeprefix("Value error, ")
    text = text[:1].lower() + text[1:]
    return f"{key}: {text} (got {error['input']!r})" if _short(error) else f"{key}: {text}"


def _short(error: Any) -> bool:
    """Whether to say what was given: a word or a number, and not a page of it."""
    given = error["input"]
    return error["type"] != "value_error" and isinstance(given, str | int | float) and len(repr(given)) < SHOWN


def _model_at(path: tuple[int | str, ...]) -> type[BaseModel]:
    model: type[BaseModel] = Recipe
    for part in path:
        if isinstance(part, str) and part in model.model_fields:
            model = _section(model.model_fields[part]) or model
    return model


def _rooted(recipe: Recipe, folder: Path) -> Recipe:
    """Relative paths of a recipe file count from the folder it lies in."""

    def root(path: str) -> str:
        return str((folder / path).resolve())

    phantom = recipe.phantom.model_copy(update={"files": tuple(root(p) for p in recipe.phantom.files)})
    if (table := recipe.phantom.labels) is not None and table.endswith(".tsv"):
        phantom = phantom.model_copy(update={"labels": root(table)})
    protocols = tuple(p.model_copy(update={"file": root(p.file)}) if p.file else p for p in recipe.protocol)
    return recipe.model_copy(update={"phantom": phantom, "protocol": protocols})
