"""Reading, checking, saving and comparing configurations.

Precedence: defaults < YAML file < `--set KEY=VALUE`. Every key and every type is checked, and all
mistakes of one source are reported together.
"""

import difflib
import math
import os
import sys
from pathlib import Path
from typing import Any

import yaml
from easydict import EasyDict

from misc.config.defaults import editor, encoder, faces, stackgan
from misc.config.errors import UserError
from misc.config.keys import Key

ROOMS = {
    "initial": stackgan,
    "final": stackgan,
    "main": stackgan,
    "encoder": encoder,
    "editor": editor,
    "faces": faces,
}

# Spellings of the ancestors that are wrong or meant something else here. A room's own are its
# RENAMED; its REFUSED are keys of its ancestors that nothing stands for, and why.
RENAMED = {
    "TRAIN.FT_LR_RETIO": "TRAIN.FT_LR_RATIO",
    "GAN.CONDITION_DIM": "GAN.EMBEDDING_DIM",
}

# Keys of earlier versions: a run folder that names them is still read.
GONE = {"EVAL.COLOUR_COUNT": "every metric is about EVAL.COUNT captions now"}

_MAX_YAML_BYTES = 1 << 20


class _StrictLoader(yaml.SafeLoader):
    """YAML that refuses a key given twice; plain YAML keeps the last one silently.

    It refuses aliases too: a configuration needs none, and a few lines of them are gigabytes.
    """

    def compose_node(self, parent, index):
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.MarkedYAMLError(
                problem=f"the alias *{event.anchor} is not allowed: write the value out",
                problem_mark=event.start_mark,
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=deep)
            if not isinstance(key, str):
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key!r} is not text", problem_mark=key_node.start_mark
                )
            if key in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key} is given twice", problem_mark=key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def load_config(room: str, path: str | Path | None, overrides: list[str] | None = None) -> EasyDict:
    """Defaults of `room`, changed by the YAML file at `path` and by "KEY=VALUE" overrides.

    Args:
      room: one of `ROOMS`.
      path: YAML file, or None for the defaults alone.
      overrides: texts such as "TRAIN.BATCH_SIZE=32"; the value is YAML.
    Returns: a fresh EasyDict with every key of the room.
    Raises: UserError naming file, key, value and what was expected, for all mistakes together.
    """
    keys = {key.name: key for key in ROOMS[room].KEYS}
    values = {name: key.default for name, key in keys.items()}
    mistakes: list[str] = []
    if path is not None:
        _merge(room, values, _flatten(_read_yaml(Path(path)), keys), keys, mistakes, str(path))
    for text in overrides or []:
        name, equals, value = text.partition("=")
        if not equals:
            raise UserError(f"--set {text}: expected KEY=VALUE")
        parsed = _parse(value, f"--set {text}: the value is not YAML")
        _merge(room, values, {name.strip(): parsed}, keys, mistakes, "--set")
    if not mistakes:
        mistakes += ROOMS[room].problems(_tree(values))
        if mistakes and path is not None:
            mistakes[0] = f"{path}: {mistakes[0]}"
    if mistakes:
        raise UserError("; ".join(mistakes))
    return _tree(values)


def save_config(cfg: EasyDict, room: str, path: Path) -> None:
    """Write every key of `cfg` and its room as YAML; `load_run_config` reads it back.

    The old file is replaced by a whole new one, and left alone if it says the same.
    """
    text = yaml.safe_dump({"ROOM": room, **_plain(cfg)}, sort_keys=False)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    # misc.data.atomic, which does this for everyone else, is above this package.
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        with open(partial, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def load_run_config(path: Path) -> tuple[str, EasyDict]:
    """Read what `save_config` wrote: the room's name and its configuration."""
    tree = _read_yaml(path)
    room = tree.pop("ROOM", None)
    if room not in ROOMS:
        raise UserError(f"{path}: ROOM is {room!r}, expected one of {', '.join(ROOMS)}")
    keys = {key.name: key for key in ROOMS[room].KEYS}
    values = {name: key.default for name, key in keys.items()}
    mistakes: list[str] = []
    _merge(room, values, _flatten(tree, keys), keys, mistakes, str(path))
    if mistakes:
        raise UserError("; ".join(mistakes))
    return room, _tree(values)


def differing_keys(room: str, old: EasyDict, new: EasyDict) -> list[str]:
    """Keys that a resumed run may not change and that differ, as "KEY (old -> new)"."""
    before, after = values_of(room, old), values_of(room, new)
    return [
        f"{key.name} ({before[key.name]!r} -> {after[key.name]!r})"
        for key in ROOMS[room].KEYS
        if before[key.name] != after[key.name] and not key.free
    ]


def values_of(room: str, cfg: EasyDict) -> dict[str, Any]:
    """The value of every key of a room, by its dotted name."""
    return {key.name: _get(cfg, key.name) for key in ROOMS[room].KEYS}


def to_yaml(cfg: EasyDict) -> str:
    """The configuration as YAML text, for printing."""
    return yaml.safe_dump(_plain(cfg), sort_keys=False)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_YAML_BYTES:
            raise UserError(f"{path}: over 1 MiB; a configuration is a short YAML file")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such configuration file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read: {error}") from error
    tree = _parse(text, f"{path}: not a valid YAML file")
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise UserError(f"{path}: expected KEY: value lines, found {type(tree).__name__}")
    return tree


def _parse(text: str, mistake: str) -> Any:
    try:
        return _StrictLoader(text).get_single_data()
    except RecursionError as error:
        raise UserError(f"{mistake}: it is nested too deeply") from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date such as 2020-13-45
        raise UserError(f"{mistake}: {error}") from error


def _flatten(tree: dict[str, Any], keys: dict[str, Key], prefix: str = "") -> dict[str, Any]:
    flat = {}
    for name, value in tree.items():
        full = prefix + name
        if isinstance(value, dict) and full not in keys:
            flat.update(_flatten(value, keys, full + "."))
        else:
            flat[full] = value
    return flat


def _merge(room, values, given, keys, mistakes, where) -> None:
    renamed = RENAMED | getattr(ROOMS[room], "RENAMED", {})
    refused = getattr(ROOMS[room], "REFUSED", {})
    spellings = {name: renamed[name] for name in given if renamed.get(name) in keys}
    if spellings:
        said = ", ".join(f"{old} is read as {new}" for old, new in spellings.items())
        print(f"{where}: {said}", file=sys.stderr)
    for name, value in given.items():
        if spellings.get(name) in given:
            mistakes.append(f"{where}: {name} and {spellings[name]} are one key: name it once")
            continue
        name = spellings.get(name, name)
        if name in refused:
            mistakes.append(f"{where}: {name}: {refused[name]}")
            continue
        if name in GONE:
            print(f"{where}: {name} counts for nothing: {GONE[name]}", file=sys.stderr)
            continue
        if name not in keys:
            mistakes.append(f"{where}: {name} is not a known key{_nearest(name, keys)}")
            continue
        value, wrong = _checked(keys[name], value)
        if wrong:
            mistakes.append(f"{where}: {name} is {value!r}, expected {wrong}")
        else:
            values[name] = value


def _checked(key: Key, value: Any) -> tuple[Any, str | None]:
    """The value, widened from int to float where the key is a float, and what is wrong with it."""
    accepted = key.accepted
    if float in accepted and type(value) is int:
        try:
            value = float(value)
        except OverflowError:
            return value, "a smaller number"
    if type(value) not in accepted:
        wrong = " or ".join(t.__name__ for t in accepted)
        if isinstance(value, str) and {int, float} & set(accepted):
            wrong += _number_hint(value)
        return value, wrong
    if type(value) is float and not math.isfinite(value):
        return value, "a finite number"
    return value, key.check(value) if key.check else None


def _number_hint(text: str) -> str:
    try:
        number = float(text)
    except ValueError:
        return ""
    mantissa, _, exponent = text.lower().partition("e")
    if exponent and "." not in mantissa:
        return f" (YAML reads {text} as text: write {mantissa}.0e{exponent})"
    return f" (write {number:g} without quotes)"


def _nearest(name: str, keys: dict[str, Key]) -> str:
    near = difflib.get_close_matches(name, keys, n=1, cutoff=0.5)
    if not near:
        return ""
    key = keys[near[0]]
    kind = " or ".join(t.__name__ for t in key.accepted)
    return f" (nearest: {key.name}, {kind}, default {key.default!r})"


def _tree(values: dict[str, Any]) -> EasyDict:
    tree: dict[str, Any] = {}
    for name, value in values.items():
        *path, last = name.split(".")
        node = tree
        for part in path:
            node = node.setdefault(part, {})
        node[last] = list(value) if isinstance(value, list) else value
    return EasyDict(tree)


def _plain(cfg) -> dict[str, Any]:
    return {k: _plain(v) if isinstance(v, dict) else v for k, v in cfg.items()}


def _get(cfg: EasyDict, name: str) -> Any:
    for part in name.split("."):
        cfg = cfg[part]
    return cfg
