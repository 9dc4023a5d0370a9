"""Steps, epochs and pictures of a run of several stages, counted by hand."""

import pytest

from misc.config.load import load_config
from misc.training.timetable import Stage, Timetable, one_stage


@pytest.fixture
def table():
    """Steps 0 to 5 of 4 pictures, 6 to 11 of 2: three epochs of two steps, then two of three."""
    return Timetable([Stage(3, 2, 4, 4, 5), Stage(2, 3, 2, 2, 6)])


def test_a_step_is_in_the_stage_whose_batches_it_shows(table):
    assert table.total == 12 and table.begins == (0, 6)
    assert [table.stage_of(step) for step in range(13)] == [0] * 6 + [1] * 7


def test_epochs_and_pictures_add_up_over_stages(table):
    assert [table.epochs(done) for done in (0, 1, 2, 6, 9, 12)] == [0, 0.5, 1, 3, 4, 5]
    assert [table.pictures(done) for done in (0, 1, 6, 7, 12)] == [0, 4, 24, 26, 36]


def test_intervals_are_counted_from_the_begin_of_a_stage(table):
    grids, saves = (
        [done for done in range(1, 13) if due(done)] for due in (table.grid_due, table.save_due)
    )
    assert grids == [4, 6, 8, 10, 12] and saves == [5, 6, 12]
    assert [done for done in range(1, 13) if table.ends(done)] == [6, 12]


def test_a_run_of_one_stage_is_what_its_keys_say():
    cfg = load_config("final", None, ["TRAIN.MAX_EPOCH=9", "TRAIN.GRID_INTERVAL=7"])
    table = one_stage(cfg, 5, first_epoch=6)
    assert table.total == 15 and table.epochs(5) == 7 and table.pictures(2) == 128
    assert [done for done in range(1, 16) if table.grid_due(done)] == [7, 14, 15]
    assert "TRAIN.MAX_EPOCH" in table.longer
    assert one_stage(cfg, 5, first_epoch=9).total == 0
