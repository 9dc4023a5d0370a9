"""The rules of CONTRIBUTING.md that a machine can check: arrows, names, sizes, docstrings, cfg."""

import ast
import functools
import json
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

from misc.config.load import load_config

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FOLDERS = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))
# Benchmarks are run from the root with `python -m`, and not installed.
PACKAGES = [name for name in FOLDERS if name != "benchmarks"]
ROOMS = [name for name in PACKAGES if name != "misc"]
LIBRARY = [ROOT / "main.py", *(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))]
MODULES = sorted([*LIBRARY, *(ROOT / "benchmarks").rglob("*.py")])
TESTS = sorted((ROOT / "tests").rglob("*.py"))
CONFIGS = sorted([*ROOT.glob("cfg/*.yml"), *ROOT.glob("*/cfg/*.yml")])

# Who may import whom, of what is ours. A part may always import itself.
MISC = ["misc.config", "misc.data", "misc.networks", "misc.evaluation", "misc.training"]
RAW = ["misc.sources", "misc.drawings"]
ARROWS = {
    "misc.config": [],
    "misc.networks": [],
    "misc.drawings": [],
    "misc.words": ["misc.drawings"],
    "misc.data": ["misc.config", "misc.words"],
    "misc.sources": ["misc.config", "misc.data", "misc.drawings", "misc.words"],
    "misc.evaluation": ["misc.config", "misc.data", "misc.networks"],
    "misc.training": MISC,
    "misc": [*MISC, *RAW],  # the scripts on top of misc
    "encoder": MISC,
    "editor": MISC,
    "faces": MISC,
    "initial": MISC,
    "final": [*MISC, "initial"],
    "main": [*MISC, "encoder", "editor", "faces", "initial", "final"],
    "benchmarks": [*MISC, "misc", *RAW, "encoder", "editor", "faces", "initial", "final"],
}
# Mathematics: testable with five numbers, so it reads no configuration and opens no file.
PURE = [
    "misc/networks/*.py",
    "misc/training/schedules.py",
    "misc/evaluation/blocks.py",
    "misc/evaluation/bootstrap.py",
    "misc/evaluation/diversity.py",
    "misc/evaluation/frechet.py",
    "misc/evaluation/inception_score.py",
    "misc/evaluation/kid.py",
    "misc/evaluation/precision_recall.py",
    "misc/evaluation/colour_correlation.py",
    "encoder/losses.py",
    "editor/losses.py",
    "editor/methods.py",
    "faces/losses.py",
    "encoder/probe.py",
    "encoder/retrieval.py",
    "*/model*.py",
]
POSIX_ONLY = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def parametrize(paths):
    return pytest.mark.parametrize("path", paths, ids=name_of)


def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path):
    """Full names of the modules that a file imports, wherever it does."""
    found = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import"
            # `from misc.drawings import birds` is an import of misc.drawings.birds.
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if is_module(whole) else node.module)
    return found


def is_module(name):
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def part_of(module):
    """The key of ARROWS that a module of ours belongs to, or None."""
    for length in (2, 1):
        part = ".".join(module.split(".")[:length])
        if part in ARROWS and (length == 1 or is_module(part)):
            return part
    return None


def calls(path):
    """Every call in a file: its function as written, and its keywords that are plain values."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            constants = [k for k in node.keywords if isinstance(k.value, ast.Constant)]
            yield ast.unparse(node.func), {k.arg: k.value.value for k in constants}


def test_the_parts_are_all_known():
    assert set(FOLDERS) <= ARROWS.keys()
    folders = [path.parent for path in ROOT.glob("misc/*/__init__.py")]
    assert {f"misc.{folder.name}" for folder in folders} <= ARROWS.keys()


@parametrize(MODULES)
def test_imports_follow_the_arrows(path):
    own = part_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
    parts = {part_of(module) for module in imports(path)} - {None, own}
    assert parts <= set(ARROWS[own]), f"{own} may not import {parts - set(ARROWS[own])}"


@parametrize([path for pattern in PURE for path in sorted(ROOT.glob(pattern))])
def test_mathematics_reads_no_configuration_and_opens_no_file(path):
    banned = ("misc.config", "misc.data", "easydict", "pathlib", "os", "io")
    assert not [m for m in imports(path) if m.startswith(banned)]
    assert not [function for function, _ in calls(path) if function.endswith("open")]


installed_names = functools.cache(packages_distributions)


def top_level_names(distributions):
    """Names one can import from installed distributions, given as pip spells them."""
    wanted = {name.lower().replace("_", "-") for name in distributions}
    names = installed_names().items()
    return {top for top, by in names if wanted & {d.lower().replace("_", "-") for d in by}}


def declared():
    """The distributions that pyproject.toml asks for."""
    extras = PROJECT["project"]["optional-dependencies"]
    lines = sum(
        (extras[name] for name in ("cpu", "dev", "tfds", "video")),
        PROJECT["project"]["dependencies"],
    )
    return {line.split(">")[0].split("=")[0].split("[")[0] for line in lines}


@parametrize([*MODULES, *TESTS])
def test_imports_are_whole_names_of_what_pyproject_declares(path):
    known = sys.stdlib_module_names | top_level_names(declared()) | {*FOLDERS, "main"}
    assert {module.split(".")[0] for module in imports(path)} <= known


def test_no_module_hides_a_standard_or_installed_one():
    # A script's own folder comes first on the path: misc/random.py would break Python itself.
    lock = (ROOT / "requirements.lock").read_text().splitlines()
    installed = top_level_names(line.split("==")[0] for line in lock if "==" in line[:60])
    assert {"numpy", "keras", "PIL"} <= installed
    ours = {path.stem for path in MODULES} | {path.parent.name for path in MODULES}
    assert not ours & (installed | sys.stdlib_module_names)


@parametrize([*MODULES, *TESTS])
def test_a_file_is_short_and_named_for_what_it_holds(path):
    longest = 300 if path in MODULES else 350  # a test file follows its module, however many cases
    assert len(path.read_text(encoding="utf-8").splitlines()) <= longest
    assert path.stem not in {"utils", "util", "helpers", "common_utils"}


@parametrize(MODULES)
def test_what_is_public_says_what_it_is(path):
    silent = [] if ast.get_docstring(tree_of(path)) else ["the module"]
    # What Keras calls is told in the docstring of its class.
    known = {"call", "build", "get_config", "on_epoch_end"}
    known |= {"compute_output_shape", "compute_output_spec"}

    def look(body, prefix=""):
        for node in body:
            if not isinstance(node, ast.ClassDef | ast.FunctionDef) or node.name.startswith("_"):
                continue
            if not ast.get_docstring(node) and not (prefix and node.name in known):
                silent.append(prefix + node.name)
            if isinstance(node, ast.ClassDef):
                look(node.body, f"{node.name}.")

    look(tree_of(path).body)
    assert not silent


@parametrize(LIBRARY)
def test_nothing_runs_foreign_code_or_only_on_one_system(path):
    assert not imports(path) & POSIX_ONLY
    for function, keywords in calls(path):
        assert function not in {"eval", "exec", "os.system", "pickle.load", "pickle.loads"}
        assert not keywords.get("shell") and not keywords.get("allow_pickle"), function


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_are_alike(room):
    for wanted in ("model*.py", "trainer.py", "run_exp.py", "cfg/*.yml"):
        assert list((ROOT / room).glob(wanted)), f"{room}/{wanted}"


def test_the_packages_that_are_installed_are_the_folders():
    include = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    assert sorted(include) == [f"{name}*" for name in PACKAGES]
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_the_hooks_run_the_ruff_of_the_lock():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    (ruff,) = hooks["repos"]
    lock = (ROOT / "requirements.lock").read_text()
    assert f"ruff=={ruff['rev'].removeprefix('v')} " in lock


@parametrize(CONFIGS)
def test_a_configuration_loads_and_opens_with_its_command(path):
    room = path.parent.parent.name if path.parent.parent != ROOT else "main"
    cfg = load_config(room, path)
    assert cfg.TRAIN.FLAG == (room != "main")
    program = "main.py" if room == "main" else f"{room}/run_exp.py"
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith(f"# python {program} --cfg {name_of(path)}")
    assert sum(line.startswith("# ") for line in lines) > 1, "say what to expect of it"
    assert yaml.safe_load(path.read_text(encoding="utf-8"))


ASK = """
import contextlib, io, json, runpy, sys
answers = {}
for path, *flags in json.loads(sys.argv[1]):
    sys.argv = [path, *flags]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            runpy.run_path(path, run_name="__main__")
            code = None
        except SystemExit as end:
            code = end.code
    heavy = {"tensorflow", "keras", "pandas", "scipy"} & sys.modules.keys()
    answers[" ".join([path, *flags])] = [code, sorted(heavy)]
print(json.dumps(answers))
"""


def is_program(path):
    return any(
        isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"
        for node in tree_of(path).body
    )


def test_help_and_mistakes_are_answered_without_tensorflow():
    programs = [name_of(path) for path in MODULES if is_program(path)]
    assert {"main.py", "initial/run_exp.py", "misc/draw_dataset.py"} <= set(programs)
    configured = [p for p in programs if p == "main.py" or p.endswith("run_exp.py")]
    asked = [[p, "--help"] for p in programs] + [[p, "--set", "NO.KEY=1"] for p in configured]
    process = subprocess.run(
        [sys.executable, "-c", ASK, json.dumps(asked)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert process.returncode == 0, process.stderr
    answers = json.loads(process.stdout)
    wanted = {" ".join(one): [0 if one[1] == "--help" else 2, []] for one in asked}
    assert answers == wanted
