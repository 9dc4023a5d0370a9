"""RUN/evaluation/report.html: everything that an evaluation found, on one page of one file.

Its pictures are inside it and it loads nothing. All text on it, captions and names of a data set
above all, is escaped by the templates.
"""

import base64
from pathlib import Path

from PIL import Image

from misc.config.defaults.faces import final_size
from misc.config.load import load_run_config
from misc.data.atomic import write_atomic
from misc.data.images import encode_png
from misc.evaluation import curves
from misc.evaluation.protocols import RULES
from misc.evaluation.records import FOLDER, METRICS, Number, finite, read_numbers
from misc.evaluation.samples import open_sample, read_samples

FILE = "report.html"
BARS = 60  # attributes that are shown: those that most sentences name
PANELS = 24
THUMBNAIL = 96
# What stands beside the value: the words, the field, and the field of its interval.
BESIDE = {
    "is": (("real pictures", "real", "real_interval"), ("splits", "splits", "")),
    "fid": (("for ever more pictures", "extrapolated", "extrapolated_interval"),),
    "pr": (("precision", "precision", ""), ("recall", "recall", "")),
    "diversity": (("fakes of other captions", "others", ""), ("real pictures", "real", "")),
    "r_precision": (
        ("real pictures", "ceiling", ""),
        ("shuffled sentences", "floor", ""),
        ("captions to choose from", "candidates", ""),
    ),
    "attributes": (("real pictures", "ceiling", ""), ("shuffled sentences", "chance", "")),
    "colour": (("shuffled sentences", "shuffled", ""),),
}
ROOMS = {"initial": "Stage-I", "final": "Stage-II"}


def write_report(run: Path) -> Path:
    """Make the page of the run folder `run` from what is in it; what is not is named with why.

    Returns: its path. Raises: UserError if a file there is damaged, or the page cannot be written.
    """
    folder = run / FOLDER
    numbers, samples = read_numbers(folder), read_samples(folder)
    panels = curves.panels(curves.read_log(run / "log.jsonl"))[:PANELS]
    attributes = next((n for n in numbers.values() if n.line["metric"] == "attributes"), None)
    bars = _bars(attributes)
    measured = {number.line["metric"] for number in numbers.values()}
    page = render(
        "report.html",
        title=run.resolve().name,
        facts=_facts(run, numbers),
        steps=_steps(numbers, samples),
        rows=[_row(number) for number in numbers.values()],
        rules=[(METRICS[m].title, RULES[m]) for m in RULES if m in measured],
        unmeasured=[METRICS[m].title for m in METRICS if m not in measured],
        samples=samples and _with_pictures(folder, samples),
        no_samples="There are no pictures: main.py writes them into the run folder when "
        "EVAL.METRICS names a number.",
        attributes=bars[:BARS],
        hidden=len(bars) - len(bars[:BARS]),
        left_out=_names(attributes.line.get("left_out")) if attributes else [],
        panels=panels,
        live=any(panel.title.startswith("live_") for panel in panels),
        chart=curves,
    )
    write_atomic(folder / FILE, page.encode())
    return folder / FILE


def render(template: str, **values) -> str:
    """A page of misc/evaluation/templates, in which every value is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    pages = Environment(
        loader=PackageLoader("misc.evaluation"), autoescape=True, undefined=StrictUndefined
    )
    pages.filters |= {"number": shown, "interval": shown_interval}
    return pages.get_template(template).render(**values)


def shown(value: float | None) -> str:
    """A number with four digits; a dash for none."""
    return "–" if value is None else f"{value:.4g}"


def shown_interval(interval) -> str:
    """Two numbers as an interval; a dash for none."""
    return f"{shown(interval[0])} to {shown(interval[1])}" if interval else "–"


def data_uri(picture: Image.Image, side: int | None = None) -> str:
    """A picture as a PNG inside the page, at most `side` pixels wide and high."""
    if side:
        picture = picture.copy()
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    return "data:image/png;base64," + base64.b64encode(encode_png(picture)).decode()


def _row(number: Number) -> dict:
    line = number.line
    metric = METRICS.get(line["metric"])
    beside = []
    for label, key, interval in BESIDE.get(line["metric"], ()):
        if (value := number.get(key)) is not None:
            text = shown(value)
            ends = line.get(interval)
            if isinstance(ends, list) and len(ends) == 2 and None not in map(finite, ends):
                text += f" ({shown_interval(ends)})"
            beside.append((label, text))
    count = number.get("n")
    network, digest = (str(line.get(key) or "") for key in ("network", "network_digest"))
    named = "" if network in line["protocol"] else network[:100]
    return {
        "title": metric.title if metric else line["metric"],
        "higher": metric.higher if metric else True,
        "value": number.get("value"),
        "interval": line.get("interval"),
        "beside": beside,
        "n": "–" if count is None else f"{count:,.0f}",
        "protocol": line["protocol"],
        "network": ", ".join(filter(None, [named, digest and f"SHA-256 {digest[:12]}"])),
    }


def _facts(run: Path, numbers: dict[str, Number]) -> list[tuple[str, str]]:
    """What the page says of the run before anything else; only what is known."""
    found = {}
    if (run / "config.yml").is_file():
        room, cfg = load_run_config(run / "config.yml")
        found = _faces_facts(cfg) if room == "faces" else _stackgan_facts(room, cfg)
    for number in list(numbers.values())[-1:]:
        keys = {"Checkpoint": "checkpoint", "Step": "step", "Seed": "seed", "Evaluated on": "data"}
        found |= {name: number.line.get(key) for name, key in keys.items()}
    return [(name, str(value)) for name, value in found.items() if value not in (None, "")]


def _stackgan_facts(room: str, cfg) -> dict:
    side = cfg.TEST.HR_IMSIZE if room == "final" else cfg.TEST.LR_IMSIZE
    return {
        "Network": ROOMS.get(room, room),
        "Pictures": f"{side} px",
        "Trained on": cfg.DATASET_NAME,
        "Epochs": cfg.TRAIN.MAX_EPOCH,
        "Batch": cfg.TRAIN.BATCH_SIZE,
        "Text encoder": cfg.TEXT.ENCODER,
    }


def _faces_facts(cfg) -> dict:
    return {
        "Network": f"T2F, {cfg.NETWORK_TYPE}",
        "Pictures": f"{final_size(cfg)} px",
        "Trained on": cfg.DATASET_NAME,
        "Epochs": ", ".join(map(str, cfg.EPOCHS)),
        "Batch": ", ".join(map(str, cfg.BATCH_SIZES)),
        "Text encoder": "its own",
    }


def _steps(numbers: dict[str, Number], samples: dict | None) -> list[int]:
    steps = {number.get("step") for number in numbers.values()} - {None}
    return sorted({int(step) for step in steps} | ({samples["step"]} if samples else set()))


def _bars(number: Number | None) -> list[dict]:
    """The attributes of a line, those that most sentences name first."""
    table = number.line.get("per_attribute") if number else None
    rows = []
    for name, entry in (table if isinstance(table, dict) else {}).items():
        if not isinstance(entry, dict) or finite(entry.get("value")) is None:
            continue
        row = {"name": name, "n": int(finite(entry.get("n")) or 0)}
        for key in ("value", "ceiling", "chance"):
            row[key] = finite(entry.get(key))
            row[f"{key}_percent"] = round(100 * min(max(row[key] or 0, 0), 1), 1)
        rows.append(row)
    return sorted(rows, key=lambda row: -row["n"])


def _names(value) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _with_pictures(folder: Path, samples: dict) -> dict:
    """The same with data URIs in place of file names, and thumbnails of fakes and reals."""

    def uri(name, side=None):
        return name and data_uri(open_sample(folder, name), side)

    def ways(between):
        return between and between | {"pictures": [uri(name) for name in between["pictures"]]}

    rows = []
    for row in samples["rows"]:
        near = [one | {"picture": uri(one["picture"])} for one in row["neighbours"]]
        small = {f"{kind}_small": uri(row[kind], THUMBNAIL) for kind in ("fake", "real")}
        pictures = {kind: uri(row[kind]) for kind in ("fake", "stage1")}
        rows.append(row | small | pictures | {"neighbours": near})
    between = {key: ways(samples[key]) for key in ("between_sentences", "between_noises")}
    near = samples["neighbours"]
    if near:
        least = [row["neighbours"][0]["distance"] for row in rows if row["neighbours"]]
        far = sum(distance > near["typical"]["high"] for distance in least)
        near = near | {"far": far, "shown": len(least)}
    return samples | between | {"rows": rows, "neighbours": near}
