"""The kinds are those of the settings, and each can be told of several."""

import typing

from alerts.kinds import KINDS, told_several
from settings.tree import Alerts


def test_the_settings_know_the_same_kinds():
    kinds = Alerts.model_fields["kinds"]

    assert kinds.default == KINDS
    assert typing.get_args(typing.get_args(kinds.annotation)[0]) == KINDS


def test_several_of_each_kind_have_words():
    assert told_several("parked", 1_200) == "1,200 bots were parked"
    assert len({told_several(kind, 2) for kind in KINDS}) == len(KINDS)
