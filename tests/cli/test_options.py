"""Wrong calls are refused before any work, in one line that says what to do."""

import pytest

from ganime_tf.cli import COMMANDS, main

TRAIN = ["train", "pix2pix"]
CALLS = {
    "unknown option": ([*TRAIN, "--num-epocks", "3"], "mean --num-epochs INT?"),
    "no whole number": ([*TRAIN, "--num-epochs", "x"], "--num-epochs takes a whole number"),
    "no number": ([*TRAIN, "--learning-rate", "fast"], "--learning-rate takes a number"),
    "below the range": ([*TRAIN, "--num-epochs", "0"], "`num_epochs` must be at least 1"),
    "nan": ([*TRAIN, "--l1-weight", "nan"], "`l1_weight` must be finite"),
    "no such choice": (["translate", "a", "-o", "b", "--model", "c", "--format", "gif"], "'webp'"),
    "no value": (["translate", "a", "-o", "b", "--model", "c", "--size"], "--size"),
    "no model": (["translate", "a", "-o", "b"], "Missing: --model PATH"),
    "no folder": (["sample", "runs/a"], "-o PATH"),
    "nothing": (["sweep"], "Name a model"),
    "no such preset": ([*TRAIN, "--preset", "pix2pix-513"], "pix2pix"),
    "no such model": (["train", "pix3pix"], "pix2pix"),
    "no preset": ([*TRAIN, "--preset"], "--preset needs a name"),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_wrong_call_is_refused_in_one_line(call, capsys):
    argv, expected = CALLS[call]
    assert main(argv) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1 and captured.err.startswith(f"ganime {argv[0]}: error: ")
    assert expected in captured.err


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_refuses_an_unknown_option_in_one_line(command, capsys):
    words = {"train": ["pix2pix"], "prepare": ["scan"]}.get(command, [])
    assert main([command, *words, "--colourfull"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and f"ganime {command}: error: " in err
