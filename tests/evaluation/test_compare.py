"""Several runs side by side: what is subtracted, what is not, and why."""

import json

import numpy as np
import pytest

from misc.evaluation import compare, records
from misc.evaluation.bootstrap import Estimate
from misc.evaluation.protocols import line

FACTS = {"n": 100, "seed": 0, "captions_digest": "c", "network_digest": "w"}
FACTS |= {"data": "d", "data_checksum": "s", "imsize": 64}


def told(tmp_path, name, metric="fid", value=60.0, judge="j", noise=0, **facts):
    """The numbers of a run that was measured once."""
    one = Estimate(value, value + np.random.default_rng(noise).normal(size=100))
    records.keep(tmp_path / name, line(metric, judge, one, **(FACTS | facts)), one)
    return records.read_numbers(tmp_path / name)


def second(tmp_path, first=None, **options):
    """What is said of the second of two runs."""
    numbers = {"a": told(tmp_path, "a", **(first or {})), "b": told(tmp_path, "b", **options)}
    (group,) = [g for g in compare.compared(numbers) if g.entries[1].number]
    return group.entries[1]


def test_numbers_on_the_same_pictures_are_paired(tmp_path):
    one = second(tmp_path, value=59.0)
    assert one.difference.value == -1 and np.allclose(one.difference.interval, -1)
    assert (one.verdict, one.remark) == ("better", "")


@pytest.mark.parametrize("key", ["seed", "captions_digest"])
def test_numbers_on_others_are_not(tmp_path, key):
    one = second(tmp_path, value=59.0, **{key: 7})
    low, high = one.difference.interval
    assert low < -2 and high > 0.5 and one.difference.value == -1
    assert (one.verdict, one.remark) == ("", "other sentences, not paired")


def test_what_neither_says_is_not_taken_for_the_same(tmp_path):
    one = second(tmp_path, {"captions_digest": None}, value=59.0, captions_digest=None)
    assert one.remark == "other sentences, not paired"


@pytest.mark.parametrize(
    "metric, value, verdict",
    [("fid", 90.0, "worse"), ("kid", 30.0, "better"), ("is", 90, "better")],
)
def test_better_is_what_the_measure_calls_better(tmp_path, metric, value, verdict):
    one = second(tmp_path, {"metric": metric}, metric=metric, value=float(value), noise=1)
    assert one.verdict == verdict


@pytest.mark.parametrize(
    "change, words",
    [
        ({"data_checksum": "other"}, "measured on another set"),
        ({"imsize": 256}, "about pictures of another size"),
        ({"network_digest": "other"}, "judged by other weights"),
        ({"splits": 5}, "of another number of splits"),
        ({"candidates": 35}, "chosen among another number of captions"),
        ({"left_out": ["scene"]}, "without other attributes"),
        ({"n": 50}, "of another number of pictures"),
    ],
)
def test_numbers_that_do_not_compare_are_not_subtracted(tmp_path, change, words):
    one = second(tmp_path, value=59.0, **change)
    assert one.difference is None and one.remark.startswith(f"not subtracted: {words}")


def test_one_set_is_the_same_wherever_it_lies(tmp_path):
    assert second(tmp_path, value=59.0, data="/elsewhere/d").verdict == "better"


def test_sentences_compare_across_sizes(tmp_path):
    one = second(tmp_path, {"metric": "attributes"}, metric="attributes", value=59.0, imsize=256)
    assert one.difference.value == -1 and one.verdict == "worse"


def test_kid_compares_across_numbers_of_pictures(tmp_path):
    one = second(tmp_path, {"metric": "kid"}, metric="kid", value=50.0, n=50)
    assert one.difference.value == -10 and one.verdict == "better"


def test_numbers_of_other_protocols_stand_apart(tmp_path):
    numbers = {"a": told(tmp_path, "a"), "b": told(tmp_path, "b", judge="k")}
    of_a, of_b = compare.compared(numbers)
    assert of_a.entries[1].remark == "measured by fid/k/v1 only" and not of_a.entries[1].number
    assert of_b.entries[0].remark == "measured by fid/j/v1 only"
    assert of_b.entries[1].remark == "the first run has no number of this protocol"
    assert of_b.entries[1].difference is None
    told(tmp_path, "b", metric="kid")
    numbers["b"] = records.read_numbers(tmp_path / "b")
    assert compare.compared(numbers)[2].entries[0].remark == "not measured"


def test_a_lost_file_of_replicates_is_said(tmp_path):
    told(tmp_path, "b")
    (tmp_path / "b" / "replicates.json").unlink()
    numbers = {"a": told(tmp_path, "a"), "b": records.read_numbers(tmp_path / "b")}
    assert "without its replicates" in compare.compared(numbers)[0].entries[1].remark


def test_the_order_is_of_what_all_share(tmp_path):
    folders = {"a": 60.0, "b": 40.0, "c": 90.0}
    for name, value in folders.items():
        told(tmp_path, name, value=value)
        told(tmp_path, name, "kid", value=-value, n=50 if name == "b" else 100)
        told(tmp_path, name, "is", value=value, n=50 if name == "b" else 100)
        told(tmp_path, name, "kid", value=0.0, judge=name)
    numbers = {name: records.read_numbers(tmp_path / name) for name in folders}
    groups = compare.compared(numbers)
    places = compare.order(groups)
    assert {row["model"]: row["place"] for row in places} == {"a": 1, "b": 1, "c": 1}
    without_kid = [group for group in groups if group.title != "KID"]
    assert [row["model"] for row in compare.order(without_kid)] == ["b", "a", "c"]
    assert compare.order([g for g in groups if g.title == "Inception score"]) == []


@pytest.mark.parametrize("ceiling", ["x", [1], {}, 10**400])
def test_a_ceiling_that_is_no_number_is_none(tmp_path, ceiling):
    one = told(tmp_path, "a", "r_precision")
    other = told(tmp_path, "b", "r_precision", ceiling=ceiling)
    places = compare.order(compare.compared({"a": one, "b": other}))
    assert [row["place"] for row in places] == [1, 1]


@pytest.fixture
def two(evaluated, tmp_path):
    """Two evaluated runs; the second one's numbers are 0.01 higher."""
    return [evaluated(tmp_path / name, shift=shift) for name, shift in (("a", 0), ("b b", 0.01))]


def test_a_table_and_a_page(two, run_main, tmp_path):
    code, out, err = run_main(compare.main, *two)
    page = two[0] / "evaluation" / "compare.html"
    assert (code, err) == (0, "") and out.splitlines()[-1] == str(page)
    assert f"1. {two[0].as_posix()}  score" in out
    assert "KID, lower is better: kid/judge/v1" in out
    (row,) = [text.split() for text in out.splitlines() if "0.05 " in text and "b b" in text]
    assert row[-1] == "worse" and "+0.01" in row
    text = page.read_text(encoding="utf-8")
    assert text.count('<b class="worse">worse</b>') == 2 and "no difference" not in text
    assert text.count("data:image/png") == 8 * 3  # a real picture and two fakes a sentence
    other = tmp_path / "new" / "page.html"
    code, out, _ = run_main(compare.main, *two, "--out", other)
    assert code == 0 and other.read_text(encoding="utf-8") == text


def test_other_sentences_are_not_laid_beside(two, evaluated, run_main, tmp_path):
    evaluated(tmp_path / "c", seed=1)
    code, _, _ = run_main(compare.main, *two, tmp_path / "c")
    text = (two[0] / "evaluation" / "compare.html").read_text(encoding="utf-8")
    assert code == 0 and f"{tmp_path.as_posix()}/c shows other sentences" in text
    assert text.count("data:image/png") == 8 * 3


def test_sentences_are_the_same_if_they_read_the_same(two, run_main):
    path = two[1] / "evaluation" / "samples.json"
    content = json.loads(path.read_text())
    del content["rows"][3:]
    path.write_text(json.dumps(content))
    code, _, _ = run_main(compare.main, *two)
    text = (two[0] / "evaluation" / "compare.html").read_text(encoding="utf-8")
    assert code == 0 and "shows other sentences" in text


def test_runs_without_pictures_are_compared_by_numbers(two, run_main):
    for run, words in ((two[1], "has no pictures."), (two[0], "has no pictures to show")):
        (run / "evaluation" / "samples.json").unlink()
        code, _, _ = run_main(compare.main, *two)
        text = (two[0] / "evaluation" / "compare.html").read_text(encoding="utf-8")
        assert code == 0 and words in text


def test_a_caption_is_escaped(two, run_main):
    for run in two:
        path = run / "evaluation" / "samples.json"
        content = json.loads(path.read_text())
        content["rows"][0]["caption"] = "<script>alert(1)</script>"
        path.write_text(json.dumps(content))
    assert run_main(compare.main, *two)[0] == 0
    text = (two[0] / "evaluation" / "compare.html").read_text(encoding="utf-8")
    assert "<script>" not in text and "&lt;script&gt;" in text


def test_a_run_that_was_not_measured_is_named_with_the_command(two, run_main, tmp_path):
    code, out, err = run_main(compare.main, two[0], tmp_path / "c c")
    assert (code, out) == (2, "") and err.count("\n") == 1
    assert f"python main.py --run '{tmp_path}/c c' --set 'EVAL.METRICS=[fid,kid,pr]'" in err


def test_one_run_is_not_enough(two, run_main):
    code, _, err = run_main(compare.main, two[0], two[0])
    assert code == 2 and "expected two or more" in err
