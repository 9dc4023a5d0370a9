"""The page of an evaluation: what is on it, what is missing and why, and that it is harmless."""

import base64
import fnmatch
import io
import json
import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from misc.config.errors import UserError
from misc.evaluation import records, report

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "misc/evaluation/templates").iterdir())
HOSTILE = '<script>alert("1")</script> & \'"><img src=x onerror=alert(1)>'


class Page(HTMLParser):
    """Tags with their attributes, and the text of a page."""

    def __init__(self, content):
        super().__init__()
        self.tags, self.words, self._inside = [], [], []
        self.feed(content)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._inside.append(tag)

    def handle_endtag(self, tag):
        self._inside = self._inside[: len(self._inside) - self._inside[::-1].index(tag) - 1]

    def handle_data(self, data):
        if "style" not in self._inside:
            self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def page_of(run):
    path = report.write_report(run)
    assert path == run / "evaluation" / "report.html"
    return Page(path.read_text(encoding="utf-8"))


def write_log(run):
    run.mkdir(exist_ok=True)
    lines = [{"step": k, "d_loss": 1.0 / k, "g_loss": 2.0, "live_kid": 0.1} for k in range(1, 9)]
    (run / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_the_page_tells_what_was_found(evaluated, tmp_path):
    run = evaluated(tmp_path / "final_tiny")
    write_log(run)
    page = page_of(run)
    for words in (
        "final_tiny",
        "fid/judge/v1",
        "Frechet distance of two Gaussians",
        "for ever more pictures 48.5 (44 to 52)",
        "real pictures 8.8 (8.5 to 9.1)",
        "real pictures 0.95 ; shuffled sentences 0.2",
        "R-precision was not measured",
        "among 12 of 12 training pictures",
        "has_wing_color::blue 70 % of 40",
        "x::y",
        "live_kid 0.1",
        "Evaluated on data/tiny",
    ):
        assert words in page.text, words
    assert "KID was not measured" not in page.text and "not all of one checkpoint" not in page.text
    pictures = page.all("img")
    # Eight rows of two stages, their two mosaics, eight looked up with three neighbours, two ways.
    assert len(pictures) == 8 * 2 + 8 * 2 + 8 * 4 + 2 * 8
    sizes = set()
    for picture in pictures:
        kind, content = picture["src"].split(",")
        assert kind == "data:image/png;base64"
        sizes.add(Image.open(io.BytesIO(base64.b64decode(content))).size)
    assert sizes == {(16, 16), (8, 8)}
    assert len(page.all("polyline")) == 3


def test_bars_show_shares_of_their_track(evaluated, tmp_path):
    page = page_of(evaluated(tmp_path / "run"))
    styles = [tag.get("style", "") for tag in page.all("span")]
    assert [style for style in styles if style.startswith(("width", "left"))] == [
        *("width: 70.0%", "left: 97.0%", "left: 20.0%"),
        *("width: 40.0%", "left: 90.0%", "left: 30.0%"),
    ]


def test_numbers_of_several_checkpoints_are_called_so(evaluated, tmp_path):
    run = evaluated(tmp_path / "run")
    records.keep(run / "evaluation", {"metric": "kid", "value": 1, "protocol": "p", "step": 900})
    assert "steps 832, 900" in page_of(run).text


def test_what_is_missing_is_named_with_why(tmp_path):
    page = page_of(tmp_path)
    assert "no log.jsonl" in page.text and "no pictures: main.py writes them" in page.text
    assert "no accuracy of attributes: it needs a set with attributes" in page.text
    assert page.text.count("was not measured") == len(records.METRICS)
    assert not page.all("img") and not page.all("table")


def test_pictures_without_a_network_have_no_neighbours(evaluated, tmp_path):
    run = evaluated(tmp_path / "run", metrics=())
    path = run / "evaluation" / "samples.json"
    content = json.loads(path.read_text()) | {"neighbours": None, "between_sentences": None}
    for row in content["rows"]:
        row.pop("neighbours", None)
        row.pop("stage1")
    path.write_text(json.dumps(content))
    page = page_of(run)
    assert "the evaluation had no feature network" in page.text
    assert "one picture with sentences only" in page.text and "Stage-II" not in page.text


@pytest.mark.parametrize("distance, words", [(0.0, "nearer than 19 of 20"), (1e6, "1 of 8")])
def test_copies_and_strange_pictures_are_called_so(evaluated, tmp_path, distance, words):
    run = evaluated(tmp_path / "run")
    path = run / "evaluation" / "samples.json"
    content = json.loads(path.read_text())
    content["neighbours"]["typical"] = {"low": 10.0, "median": 20.0, "high": 30.0}
    for k, row in enumerate(content["rows"]):
        row["neighbours"][0]["distance"] = 20.0 if k else distance
    path.write_text(json.dumps(content))
    text = page_of(run).text
    assert text.count(words) == 1
    assert ("nearer than 19" in text) != ("are farther from training" in text)


def test_text_from_outside_stays_text(evaluated, tmp_path):
    run = evaluated(tmp_path / "run", data=HOSTILE, network=HOSTILE, network_digest=HOSTILE)
    path = run / "evaluation" / "samples.json"
    content = json.loads(path.read_text())
    content["rows"][0]["caption"] = content["between_noises"]["caption"] = HOSTILE
    content["rows"][0]["neighbours"][0]["name"] = content["neighbours"]["network"] = HOSTILE
    content["between_sentences"]["captions"] = [HOSTILE, HOSTILE]
    path.write_text(json.dumps(content))
    entry = {"value": 2.0, "ceiling": HOSTILE, "n": 3}
    told = {"metric": "attributes", "value": 1, "interval": None, "protocol": HOSTILE}
    records.keep(run / "evaluation", told | {"per_attribute": {HOSTILE: entry, "b": HOSTILE}})
    records.keep(run / "evaluation", {"metric": HOSTILE, "value": 1, "protocol": "p"})
    (run / "log.jsonl").write_text(json.dumps({"step": 1, HOSTILE: 2.0}) + "\n")
    page = page_of(run)
    assert not page.all("script") and page.text.count("<script>") > 5
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("src", "href", "srcset"):
            assert attributes.get(name, "data:image/png;base64,").startswith("data:image/png")
    assert "url(" not in (run / "evaluation" / "report.html").read_text()


def test_a_damaged_picture_is_named(evaluated, tmp_path):
    run = evaluated(tmp_path / "run")
    (run / "evaluation" / "pictures" / "fake-02.png").write_bytes(b"\x89PNG")
    with pytest.raises(UserError, match=r"fake-02\.png: not a readable picture"):
        report.write_report(run)


def test_the_same_evaluation_gives_the_same_page(evaluated, tmp_path):
    run = evaluated(tmp_path / "run")
    first = report.write_report(run).read_bytes()
    assert report.write_report(run).read_bytes() == first


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_escape_everything_and_load_nothing(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\|\s*safe|autoescape|Markup", text)
    assert not re.search(r"https?:|//\w|@import|url\(", text)


def test_templates_are_installed_with_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["misc.evaluation"]
    names = [path.relative_to(ROOT / "misc/evaluation").as_posix() for path in TEMPLATES]
    assert names and all(any(fnmatch.fnmatch(n, p) for p in patterns) for n in names)


def test_numbers_are_short():
    values = (None, 0.04123456, 187.3456, 4.31493, 1000.0)
    assert [report.shown(value) for value in values] == ["–", "0.04123", "187.3", "4.315", "1000"]
    assert report.shown_interval([1, 2.5]) == "1 to 2.5" and report.shown_interval(None) == "–"
