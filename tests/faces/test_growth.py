"""When a run is in which stage, and how far that is faded in, counted by hand."""

import pytest
import tensorflow as tf

from faces.growth import Growth
from misc.config.errors import UserError


def alphas(growth, stage, steps):
    return [float(growth.alpha(tf.constant(step, tf.int64), stage)) for step in steps]


def test_a_stage_fades_in_step_by_step(small_config):
    # Stages of 2, 5 and 4 steps; F is int(0.85 * 5) = 4 and int(0.3 * 4) = 1.
    cfg = small_config("EPOCHS=[1,5,2]", "FADE_IN_PERCENTAGE=[85,85,30]")
    growth = Growth(cfg, (2, 1, 2))
    assert growth.timetable.begins == (0, 2, 7) and growth.sides == [4, 8, 16]
    assert alphas(growth, 0, [0, 1]) == [1, 1]
    assert alphas(growth, 1, range(2, 7)) == [0.25, 0.5, 0.75, 1, 1]
    assert alphas(growth, 2, [7, 8]) == [1, 1]
    # What a checkpoint samples is what its last step trained.
    assert [growth.at(done) for done in (0, 2, 3, 5, 7, 8, 11)] == [
        *[(0, 1.0), (0, 1.0), (1, 0.25), (1, 0.75), (1, 1.0), (2, 1.0), (2, 1.0)]
    ]


def test_nothing_fades_where_nothing_is_asked_to(small_config):
    growth = Growth(small_config("FADE_IN_PERCENTAGE=[0,0,0]"), (3, 3, 3))
    assert growth.alpha(tf.constant(3, tf.int64), 1) == 1.0
    assert [growth.at(done) for done in (4, 7)] == [(1, 1.0), (2, 1.0)]


def test_all_sizes_at_once_are_one_stage(small_config, one_stage):
    growth = Growth(small_config(*one_stage), (3,))
    assert growth.sides == [16] and growth.at(1) == (2, 1.0)


@pytest.mark.parametrize(
    ("steps", "factor", "grids"),
    [(78, 7, 78 // 11), (7, 7, 7), (3, 7, 3), (1, 1000, 1)],
)
def test_grids_an_epoch_are_never_more_than_steps(steps, factor, grids, small_config):
    cfg = small_config(f"FEEDBACK_FACTOR={factor}", "EPOCHS=[2, 1, 1]")
    table = Growth(cfg, (steps,) * 3).timetable
    assert sum(map(table.grid_due, range(1, steps + 1))) == grids
    assert table.grid_due(2 * steps), "a stage ends with one"


def test_checkpoints_come_every_few_epochs(small_config):
    cfg = small_config("CHECKPOINT_FACTOR=2", "EPOCHS=[5, 1, 1]")
    table = Growth(cfg, (3, 3, 3)).timetable
    assert [done for done in range(1, 22) if table.save_due(done)] == [6, 12, 15, 18, 21]


def test_saved_and_read_back(small_config, tmp_path):
    cfg = small_config()
    Growth(cfg, (3, 2, 1)).save(tmp_path)
    assert Growth.load(tmp_path, cfg).timetable.begins == (0, 3, 5)


@pytest.mark.parametrize(
    "content",
    [None, "", "[]", '{"steps_per_epoch": [3, 3]}', '{"steps_per_epoch": [3, 3, 0]}', "[" * 10**5]
    + ['{"steps_per_epoch": 3}', '{"steps_per_epoch": [3, 3, "3"]}'],
)
def test_a_damaged_file_is_one_line(content, small_config, tmp_path):
    if content is not None:
        (tmp_path / "growth.json").write_text(content)
    with pytest.raises(UserError, match="growth.json is missing or damaged"):
        Growth.load(tmp_path, small_config())
