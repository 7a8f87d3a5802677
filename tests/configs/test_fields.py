"""Settings are checked by their annotations, before anything heavy is imported."""

import dataclasses
import subprocess
import sys
import typing

import pytest

from ganime_tf.configs.fields import Range
from ganime_tf.configs.run import RunConfig
from ganime_tf.models import MODELS, get_presets


def numbers(settings):
    """Every numeric field: name, whether real, ranges of its annotation, how one value is given."""
    hints = typing.get_type_hints(type(settings), include_extras=True)
    for field in dataclasses.fields(settings):
        hint = hints[field.name]
        parts = [hint, *typing.get_args(hint)]
        inner = [p for part in parts for p in (part, *typing.get_args(part))]
        ranges = [p for p in inner if isinstance(p, Range)]
        if float in inner or int in inner:
            several = typing.get_origin(hint) is tuple
            yield field.name, float in inner, ranges, (lambda x: (x,)) if several else (lambda x: x)


@pytest.mark.parametrize("name", list(MODELS))
def test_every_number_refuses_what_is_not_finite_and_what_is_below_its_range(name):
    config = next(iter(get_presets(name).values()))
    for field, real, ranges, wrap in numbers(config):
        if real:
            for value in (float("nan"), float("inf")):
                with pytest.raises(ValueError, match=f"`{field}` must be finite"):
                    dataclasses.replace(config, **{field: wrap(value)})
        for limit in ranges:
            if limit.low is not None:
                with pytest.raises(ValueError, match=field):
                    dataclasses.replace(config, **{field: wrap(type(limit.low)(limit.low - 1))})
            if limit.high is not None:
                with pytest.raises(ValueError, match=field):
                    dataclasses.replace(config, **{field: wrap(limit.high + 1)})


@pytest.mark.parametrize("name", list(MODELS))
def test_every_number_has_a_range(name):
    config = next(iter(get_presets(name).values()))
    assert not [field for field, _, ranges, _ in numbers(config) if not ranges]


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("learning_rate", -1.0, "above 0"),
        ("beta_1", 1.0, r"in \[0, 1\)"),
        ("dropout", 1.0, r"in \[0, 1\)"),
        ("gradient_clip", -0.5, "at least 0"),
        ("family", "tensorflow", "one of 'authors', 'ganime'"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(field, value, error):
    with pytest.raises(ValueError, match=f"`{field}` must be {error}"):
        dataclasses.replace(get_presets("pix2pix")["pix2pix"], **{field: value})


def test_a_wrong_type_is_refused():
    with pytest.raises(TypeError, match="`filters` must be a whole number"):
        dataclasses.replace(get_presets("pix2pix")["pix2pix"], filters=2.5)


@pytest.mark.parametrize("field", ["num_validation", "keep_checkpoints", "epochs", "steps"])
def test_a_run_refuses_counts_below_one(field):
    with pytest.raises(ValueError, match=f"`{field}` must be at least 1"):
        RunConfig(**{field: 0})


def test_the_help_of_a_model_needs_no_tensorflow():
    program = (
        "import sys\nfrom ganime_tf.cli import main\ntry:\n    main(['train', 'ugatit', '--help'])"
        "\nexcept SystemExit:\n    pass\nsys.exit(10 * ('tensorflow' in sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "--cam-weight" in run.stdout and "--from" in run.stdout
