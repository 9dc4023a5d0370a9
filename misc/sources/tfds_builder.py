"""A builder of TensorFlow Datasets: found prepared, or downloaded and prepared on this machine."""

import json
import logging
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.parse import urlsplit

from misc.config.devices import choose_devices
from misc.config.errors import UserError
from misc.config.quiet import import_tensorflow

# NAME, NAME/CONFIG or either with :VERSION. Another prefix with a colon would name code elsewhere,
# which TensorFlow Datasets would download and run.
NAME = re.compile(r"\w+(/[\w.+-]+)?(:\d+\.\d+\.\d+)?")
ANSWER = 10.0  # seconds that a host has to connect, and again to answer
PATIENCE = 25.0  # seconds for all of them: a name may have many addresses, each of which is tried
MOST_FEATURES = 2**24  # bytes of a features.json


def open_builder(name: str, default: str, folder: Path | None):
    """A `tfds.core.DatasetBuilder` that is prepared, if need be downloaded first.

    Args:
      name: such as coco_captions or lsun/bedroom; "": what `folder` is of, or else `default`.
      folder: where TensorFlow Datasets keeps prepared sets (None: its own place), or the folder of
        one of them, in which lies its dataset_info.json; then no code of the builder is needed.

    Raises: UserError if the package is missing, there is no such builder, its hosts do not answer
      (within half a minute; TensorFlow Datasets itself tries for several), it cannot be prepared,
      or the folder names code or files outside of it.
    """
    if name and not NAME.fullmatch(name):
        raise UserError(
            f"--tfds {name}: expected the name of a builder, such as coco_captions or lsun/bedroom"
        )
    tfds = import_tfds()
    if folder and (folder / "dataset_info.json").is_file():
        builder = _read_only(tfds, name, folder)
    else:
        builder = _registered(tfds, name or default, folder)
    for split in builder.info.splits.values():
        for file in split.filepaths:
            if not Path(os.path.normpath(file)).is_relative_to(builder.data_dir):
                raise UserError(
                    f"{builder.data_dir}: split {split.name} lies in {file}, out of this folder; "
                    "prepare the set again"
                )
    return builder


def read_examples(builder, split: str) -> Iterator[dict]:
    """The examples of a split as NumPy values, one at a time, in the order they are stored in.

    Pictures are left encoded, as bytes. Raises: UserError where a file is damaged or cut short.
    """
    import tensorflow as tf
    import tensorflow_datasets as tfds

    features = builder.info.features
    pictures = [name for name in features if isinstance(features[name], tfds.features.Image)]
    config = tfds.ReadConfig(
        interleave_cycle_length=1,  # one file after the other
        try_autocache=False,
        skip_prefetch=True,
        num_parallel_calls_for_decode=1,
    )
    data = builder.as_dataset(
        split=split,
        shuffle_files=False,
        decoders={name: tfds.decode.SkipDecoding() for name in pictures},
        read_config=config,
    )
    try:
        yield from data.as_numpy_iterator()
    except tf.errors.OpError as error:
        raise UserError(
            f"{builder.data_dir}: split {split} is damaged ({_line(error)}); prepare the set again"
        ) from error


def _registered(tfds, name: str, folder: Path | None):
    """The builder of this name, whose code the package has, or which is prepared in `folder`."""
    if folder:
        _check_features(folder / re.split("[/:]", name)[0])
    try:
        builder = tfds.builder(name, data_dir=folder and os.fspath(folder))
    except tfds.core.DatasetNotFoundError as error:
        raise UserError(
            f"--tfds {name}: TensorFlow Datasets has no such builder, and it is not prepared in "
            f"{folder or 'its own folder'}; prepare one of your own first, and name the place with "
            "--tfds-dir"
        ) from error
    except Exception as error:  # no such version or configuration, or what is there is damaged
        raise UserError(
            f"--tfds {name} cannot be opened in {folder or 'its own folder'} ({_line(error)}); "
            "name another one, or remove what is there of it"
        ) from error
    if not builder.is_prepared():
        _prepare(builder)
    return builder


def import_tfds():
    """The package, with TensorFlow on the CPU; UserError says how to install what is missing."""
    import_tensorflow()
    try:
        # Only what prepares a set asks for it, and not every Python brings it.
        import importlib_resources  # noqa: F401
        import tensorflow_datasets
    except ImportError as error:
        raise UserError(
            f"--tfds needs TensorFlow Datasets ({error}): pip install -e '.[tfds]'"
        ) from error
    choose_devices(-1)
    logging.getLogger("absl").setLevel(logging.ERROR)  # it warns of every folder it looks into
    return tensorflow_datasets


def _read_only(tfds, name: str, folder: Path):
    _check_features(folder)
    try:
        builder = tfds.builder_from_directory(os.fspath(folder))
    except Exception as error:  # it checks nothing, so damage is told by errors of all kinds
        raise UserError(
            f"--tfds-dir {folder} is no set that TensorFlow Datasets prepared ({_line(error)})"
        ) from error
    found = builder.info.full_name.split("/")
    if name and re.split("[/:]", name) != found[: len(re.split("[/:]", name))]:
        raise UserError(f"--tfds-dir {folder} holds {builder.info.full_name}, not {name}")
    return builder


def _check_features(folder: Path) -> None:
    """Refuse a features.json below `folder` that would have modules of others imported."""
    for path in folder.rglob("features.json"):
        try:
            if path.stat().st_size > MOST_FEATURES:
                raise ValueError(f"more than {MOST_FEATURES} bytes")
            waiting = [json.loads(path.read_text(encoding="utf-8"))]
        except (OSError, ValueError, RecursionError) as error:
            raise UserError(f"{path} cannot be read ({error}); prepare the set again") from error
        while waiting:
            node = waiting.pop()
            if isinstance(node, list):
                waiting += node
            elif isinstance(node, dict):
                waiting += node.values()
                for key in ("pythonClassName", "type"):
                    module = node.get(key)
                    if isinstance(module, str) and not module.startswith("tensorflow_datasets."):
                        raise UserError(
                            f"{path} asks for {module!r}, which is not of TensorFlow Datasets; "
                            "prepare the set again"
                        )


def _prepare(builder) -> None:
    """Download and prepare, with TensorFlow Datasets' own progress bars."""
    if builder.name == "lsun":
        raise UserError(
            f"TensorFlow Datasets cannot prepare {builder.info.full_name}: it needs tensorflow-io, "
            "which no longer loads with TensorFlow; get LSUN's archive and use --source instead"
        )
    downloads = Path(builder.data_dir).parents[len(builder.info.full_name.split("/")) - 1]
    _probe(builder, downloads / "downloads" / builder.name)
    print(f"{builder.info.full_name}: preparing it in {builder.data_dir}", file=sys.stderr)
    remedy = (
        "mend that and run the same command again, or get the original archive by hand and use "
        "--source"
    )
    with preparing(f"{builder.info.full_name} in {builder.data_dir}", remedy):
        builder.download_and_prepare()


@contextmanager
def preparing(what: str, remedy: str) -> Iterator[None]:
    """Keep stdout free of what builders print, and turn whatever they raise into a UserError.

    Args: what: set and place, `remedy`: what to do; both for the message.
    """
    try:
        with redirect_stdout(sys.stderr):
            yield
    except UserError:
        raise
    except Exception as error:  # a builder's code, which hosts and archives can make fail anyhow
        raise UserError(
            f"TensorFlow Datasets cannot prepare {what} ({type(error).__name__}: {_line(error)}); "
            f"{remedy}"
        ) from error


def _probe(builder, downloads: Path) -> None:
    """Say which hosts of the builder do not answer; UserError if none does and nothing is here.

    Builders also list what only older versions asked for, so one host alone decides nothing.
    """
    urls: dict[str, str] = {}
    for url in builder.url_infos or {}:
        if url.startswith("http"):
            urls.setdefault(urlsplit(url).hostname, url)
    if not (silent := _silent(urls)):
        return
    if len(silent) < len(urls) or any(downloads.rglob("*.INFO")):
        for host, reason in silent.items():
            print(
                f"warning: {host} does not answer ({reason}); trying all the same", file=sys.stderr
            )
        return
    host, reason = next(iter(silent.items()))
    raise UserError(
        f"{builder.info.full_name} cannot be downloaded: {host} does not answer ({reason}); check "
        f"the network (HTTPS_PROXY is honoured), or get {urls[host]} by hand and use --source"
    )


def _silent(urls: dict[str, str]) -> dict[str, str]:
    """{host: why} of those that give no answer of any kind, in the order of {host: address}."""
    import requests

    answers: SimpleQueue = SimpleQueue()

    def ask(host: str, url: str) -> None:
        try:
            with requests.get(url, stream=True, timeout=ANSWER):
                answers.put((host, None))
        except requests.RequestException as error:
            answers.put((host, type(error).__name__))

    for host, url in urls.items():
        # A look-up of a name cannot be interrupted: nobody waits for these threads.
        Thread(target=ask, args=(host, url), daemon=True).start()
    found: dict[str, str | None] = {}
    end = time.monotonic() + PATIENCE
    while len(found) < len(urls):
        try:
            host, reason = answers.get(timeout=max(0.0, end - time.monotonic()))
        except Empty:
            break
        found[host] = reason
    late = f"nothing within {PATIENCE:.0f} s"
    return {host: found.get(host, late) for host in urls if found.get(host, late)}


def _line(error: Exception) -> str:
    """What an error says, cut to what fits into a line of ours."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else f"{text[:300]} ..."
