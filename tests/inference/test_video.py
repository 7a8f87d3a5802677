"""Videos: sound and times stay, a kill costs nothing, flicker is measured and falls."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from ganime_tf.cli import main
from ganime_tf.inference.motion import Smoother
from ganime_tf.models.uses import Runner, Use
from ganime_tf.toy import render, sample_scene

av = pytest.importorskip("av")
pytestmark = pytest.mark.filterwarnings("ignore")


def drawing(frame, size=(64, 96)):
    """A portrait that moves two pixels to the right with every frame."""
    wide = render(sample_scene(0, 0), "portrait", 160)
    return np.ascontiguousarray(wide[30 : 30 + size[0], 60 - 2 * frame : 60 - 2 * frame + size[1]])


def make_clip(path, count=14, rate=12, times=None, sound=True, codec="mpeg4"):
    with av.open(str(path), "w") as out:
        video = out.add_stream(codec, rate=rate)
        video.height, video.width = drawing(0).shape[:2]
        video.pix_fmt = "rgb24" if codec == "png" else "yuv420p"
        if sound:
            audio = out.add_stream("aac", rate=16000)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(drawing(number), format="rgb24")
            if times is not None:
                frame.pts = times[number]
            out.mux(video.encode(frame))
        out.mux(video.encode())
        if sound:
            seconds = count / rate
            wave = np.sin(np.arange(int(16000 * seconds)) * 0.1).astype(np.float32)[None]
            block = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
            block.sample_rate = 16000
            out.mux(audio.encode(block))
            out.mux(audio.encode())
    return path


def look(path):
    """Pictures, times in seconds, and the packets of the sound."""
    with av.open(str(path)) as container:
        frames = [
            (frame.to_ndarray(format="rgb24"), round(float(frame.time), 4))
            for frame in container.decode(video=0)
        ]
    sound = []
    with av.open(str(path)) as container:
        if container.streams.audio:
            sound = [bytes(p) for p in container.demux(audio=0) if p.dts is not None]
    return [f for f, _ in frames], [t for _, t in frames], sound


class Negative(Runner):
    name = "negative"

    def uses(self):
        return {"default": Use(None, ("image",))}

    def call_use(self, name, tensors):
        return 255 - np.asarray(tensors["image"])


class Flicker(Negative):
    """Brighter and darker in turn."""

    batch_limit = 1
    count = 0

    def call_use(self, name, tensors):
        self.count += 1
        shifted = np.asarray(tensors["image"], np.int16) + (-12 if self.count % 2 else 12)
        return np.clip(shifted, 0, 255).astype(np.uint8)


def translate(*args, **kwargs):
    from ganime_tf.inference.video import translate_video

    return translate_video(*args, **kwargs)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_frames_times_and_sound_are_those_of_the_source(suffix, tmp_path):
    source = make_clip(tmp_path / f"in{suffix}")
    report = translate(Negative(), source, tmp_path / f"out{suffix}", segment=5)
    assert (report.frames, report.bridged, report.warping_error) == (14, [], None)
    before, after = look(source), look(report.path)
    assert len(after[0]) == 14 and after[1] == before[1]
    assert after[2] == before[2] and len(after[2]) > 10  # every packet of the sound, bit for bit
    for wanted, found in zip(before[0], after[0], strict=True):
        assert np.abs(255 - wanted.astype(int) - found).mean() < 4
    assert not (tmp_path / f"out{suffix}.parts").exists()


def test_times_that_vary_stay(tmp_path):
    times = [0, 1, 2, 5, 6, 9, 10]
    source = make_clip(tmp_path / "in.mkv", count=7, times=times, sound=False)
    report = translate(Negative(), source, tmp_path / "out.mkv", segment=3)
    assert look(report.path)[1] == look(source)[1]


def test_smoothing_lowers_the_warping_error_and_keeps_the_picture(tmp_path):
    pytest.importorskip("cv2")
    source = make_clip(tmp_path / "in.mp4", sound=False)
    report = translate(Flicker(), source, tmp_path / "out.mp4", smooth=0.8, segment=5)
    before, after = report.warping_error
    assert before > 15 and after < 0.4 * before
    with pytest.raises(ValueError, match="strength"):
        Smoother(1.0)


def test_a_cut_is_not_smeared():
    pytest.importorskip("cv2")
    smoother = Smoother(0.9)
    one = drawing(0)
    other = np.ascontiguousarray(255 - one[::-1])
    smoother(one, one)
    assert np.abs(smoother(other, other).astype(int) - other).mean() < 4


def test_damaged_frames_are_bridged_and_said(tmp_path):
    source = make_clip(tmp_path / "in.avi", count=12, sound=False, codec="png")
    content = bytearray(source.read_bytes())
    starts = [i for i in range(len(content) - 3) if content[i : i + 4] == b"\x89PNG"]
    assert len(starts) == 12
    for start in (starts[4], starts[5], starts[11]):
        content[start + 16 : start + 24] = bytes(8)  # no width, no height
    source.write_bytes(content)
    report = translate(Negative(), source, tmp_path / "out.mp4", segment=5)
    assert report.frames == 12 and len(report.bridged) == 3
    pictures, _, _ = look(report.path)
    assert np.abs(pictures[4].astype(int) - pictures[3]).mean() < 3


_JOB = """
import sys, time
import numpy as np
from ganime_tf.inference.video import translate_video
from ganime_tf.models.uses import Runner, Use
class Slow(Runner):
    name, batch_limit = "slow", 1
    def uses(self):
        return {"default": Use(None, ("image",))}
    def call_use(self, name, tensors):
        time.sleep(float(sys.argv[3]))
        return 255 - np.asarray(tensors["image"])
report = translate_video(Slow(), sys.argv[1], sys.argv[2], smooth=0.5, segment=3)
print(report.resumed, *report.warping_error)
"""


def test_a_killed_job_goes_on_to_the_same_video(tmp_path):
    pytest.importorskip("cv2")
    source = make_clip(tmp_path / "in.mp4", count=12)

    def job(name, seconds):
        return [sys.executable, "-c", _JOB, str(source), str(tmp_path / name), str(seconds)]

    process = subprocess.Popen(job("killed.mp4", 0.1))
    while len(list(tmp_path.glob("killed.mp4.parts/*.npz"))) < 2:
        time.sleep(0.02)
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    again = subprocess.run(job("killed.mp4", 0), capture_output=True, text=True, check=True)
    whole = subprocess.run(job("whole.mp4", 0), capture_output=True, text=True, check=True)
    assert int(again.stdout.split()[0]) >= 6 and int(whole.stdout.split()[0]) == 0
    assert again.stdout.split()[1:] == whole.stdout.split()[1:]
    for a, b in zip(look(tmp_path / "killed.mp4")[0], look(tmp_path / "whole.mp4")[0], strict=True):
        np.testing.assert_array_equal(a, b)


class Tinted(Negative):
    """Adds a reference's mean; stops after `stop` pictures, as by Ctrl-C."""

    def __init__(self, origin="one", stop=None):
        self.origin, self.stop = origin, stop

    def uses(self):
        return {"default": Use(None, ("image", "reference"))}

    def call_use(self, name, tensors):
        if self.stop is not None:
            self.stop -= len(tensors["image"])
            if self.stop < 0:
                raise KeyboardInterrupt
        return super().call_use(name, tensors)


@pytest.mark.parametrize("other", ["nothing", "model", "reference", "tile", "blend"])
def test_a_job_goes_on_only_with_what_was_asked_for(other, tmp_path):
    from ganime_tf.inference.pictures import Finish

    source, out = make_clip(tmp_path / "in.mp4", count=9, sound=False), tmp_path / "out.mkv"
    reference = np.zeros((1, 64, 64, 3), np.uint8)
    options = {"segment": 3, "reference": reference, "tile": None, "finish": Finish(blend=1.0)}
    with pytest.raises(KeyboardInterrupt):
        translate(Tinted(stop=7), source, out, **options)
    changed = reference.copy()
    changed[0, 32, 32] = 9  # in the middle, which a `repr` leaves out
    values = {"reference": changed, "tile": 0}
    if other == "blend":
        options["finish"] = Finish(blend=0.5)
    elif other in values:
        options[other] = values[other]
    model = Tinted("two" if other == "model" else "one")
    assert translate(model, source, out, **options).resumed == (6 if other == "nothing" else 0)


def test_wrong_files_and_names_are_refused(tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(ValueError, match="no video that can be read"):
        translate(Negative(), tmp_path / "text.mp4", tmp_path / "out.mp4")
    source = make_clip(tmp_path / "in.mp4", count=3, sound=False)
    with pytest.raises(ValueError, match="the video itself"):
        translate(Negative(), source, source)
    (tmp_path / "mine.mp4").write_bytes(b"mine")
    with pytest.raises(ValueError, match="exists"):
        translate(Negative(), source, tmp_path / "mine.mp4")
    assert (tmp_path / "mine.mp4").read_bytes() == b"mine"
    assert main(["video", str(tmp_path / "absent.mp4"), "--model", "x.onnx", "-o", "y.mp4"]) == 2
    assert os.listdir(tmp_path).count("mine.mp4.parts") == 0
