"""Every field of every model's config: another value gives the other result.

The table names, for each field, what another value does and checks that it does it. A field without
a line fails.
"""

import ast
import dataclasses
from pathlib import Path

import pytest
from effects_of.others import OTHERS
from effects_of.styles import STYLES
from effects_of.translators import TRANSLATORS

from ganime_tf.configs.base import TrainableConfig
from ganime_tf.models import MODELS, get_presets

TESTS = Path(__file__).resolve().parents[1]

EFFECTS = TRANSLATORS | STYLES | OTHERS
SHARED = {field.name for field in dataclasses.fields(TrainableConfig)}


def own_fields(name: str) -> list[str]:
    config = next(iter(get_presets(name).values()))
    return [field.name for field in dataclasses.fields(config) if field.name not in SHARED]


CASES = [(name, field) for name in EFFECTS for field in EFFECTS[name]]


@pytest.mark.parametrize(("name", "field"), CASES)
def test_another_value_gives_the_other_result(name, field):
    check = EFFECTS[name][field]
    if isinstance(check, str):
        file, _, function = check.partition("::")
        text = (TESTS / file).read_text(encoding="utf-8")
        found = [n for n in ast.parse(text).body if getattr(n, "name", "") == function]
        assert found and field in ast.get_source_segment(text, found[0])
    else:
        check(name, field)


@pytest.mark.parametrize("name", list(MODELS))
def test_every_field_has_its_effect_shown(name):
    fields = own_fields(name)
    assert not [field for field in fields if field not in EFFECTS[name]], "no line in EFFECTS"
    assert not [field for field in EFFECTS[name] if field not in fields], "no such field"
