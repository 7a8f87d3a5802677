"""Videos through a model: in segments that survive a kill, steady, with the sound as it was."""

import dataclasses
import json
import logging
import shutil
from pathlib import Path

import numpy as np

from ganime_tf.inference.clips import CODECS, Clip, Frame, join, write_segment
from ganime_tf.inference.motion import Smoother
from ganime_tf.inference.pictures import Finish, Picture, _resized
from ganime_tf.inference.translate import Computing
from ganime_tf.ops.files import atomic_path, write_json
from ganime_tf.ops.settings import plain
from ganime_tf.progress import ProgressBar

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class VideoReport:
    """What was made.

    Attributes:
        path: The video.
        frames: Frames in it.
        resumed: Frames that an earlier, interrupted job had finished.
        bridged: Times in seconds of frames that could not be decoded or translated, and repeat the
            one before.
        warping_error: Mean difference along the motion in levels of 255, (before, after) smoothing;
            None without it.
    """

    path: Path
    frames: int
    resumed: int
    bridged: list[float]
    warping_error: tuple[float, float] | None


def translate_video(
    model,
    source: str | Path,
    out: str | Path,
    *,
    use: str | None = None,
    codec: str = "vp9",
    smooth: float = 0.0,
    segment: int = 48,
    overwrite: bool = False,
    finish: Finish | None = None,
    tile: int | None = None,
    **values,
) -> VideoReport:
    """Translates a video frame by frame; sound, frame times and rotation stay.

    Finished segments lie in `OUT.parts` until all are there: the same call goes on after a kill,
    and ends with the video that an uninterrupted one makes.

    Args:
        model: What `ganime_tf.inference.load` returns.
        source: The video.
        out: The result; its suffix names the container, e.g. `.mp4`, `.webm`, `.mkv`.
        use: Name of the use; by default the one that takes a picture and the given values.
        codec: A key of `CODECS`.
        smooth: Strength of the smoothing in [0, 1), see `motion.Smoother`.
        segment: Frames of a segment.
        overwrite: Replace a file that is there.
        finish: Size, colours and blending of the frames.
        tile: Side of tiles, see `translate_files`.
        **values: Further inputs of the use, the same for all frames.

    Returns:
        What was made.

    Raises:
        FileNotFoundError: When there is no such video.
        ValueError: On a wrong setting, no video in the file, or a result that exists.
        ImportError: When PyAV, or OpenCV for smoothing, is not installed.
    """
    out, finish = Path(out), finish or Finish()
    if codec not in CODECS:
        raise ValueError(f"`codec` must be one of {', '.join(CODECS)}. Received {codec!r}.")
    if segment < 1:
        raise ValueError(f"`segment` must be at least 1. Received {segment}.")
    clip = Clip(source)
    if out.exists():
        if out.samefile(source):
            raise ValueError(f"{out} is the video itself. Choose another name.")
        if not overwrite:
            raise ValueError(f"{out} exists. Choose another name, or use --overwrite.")
    settings = {
        "source": [clip.path.resolve(), clip.path.stat().st_size, clip.path.stat().st_mtime_ns],
        "model": model.origin or str(getattr(model, "name", "")),
        "use": use, "codec": codec, "smooth": smooth, "segment": segment, "tile": tile,
        "finish": finish, "values": values,
    }  # fmt: skip
    parts = _Parts(out.with_name(out.name + ".parts"), settings)
    bar = ProgressBar(clip.frames, "video", "frames")
    job = _Job(model, use, values, tile, finish, smooth, bar)
    try:
        number, waiting, count = 0, [], 0
        for frame in clip:
            waiting.append(frame)
            count += 1
            if len(waiting) == segment:
                job.segment(parts, number, waiting, clip, codec)
                number, waiting = number + 1, []
        if waiting:
            job.segment(parts, number, waiting, clip, codec)
            number += 1
        if not count:
            raise ValueError(f"{source} has no frame that can be read.")
        with atomic_path(out) as temporary:
            join(temporary, [parts.video(n) for n in range(number)], clip)
    finally:
        bar.close()
    bridged = [float(pts * clip.time_base) for pts in parts.bridged(number)]
    shutil.rmtree(parts.path)
    error = None
    if smooth:
        errors = np.asarray(parts.errors)
        error = tuple(errors.mean(0).tolist()) if len(errors) else (0.0, 0.0)
    return VideoReport(out, count, job.resumed, bridged, error)


class _Parts:
    """The folder of finished segments and of where the next one starts."""

    def __init__(self, path: Path, settings: dict):
        self.path, self.errors = path, []
        about = path / "settings.json"
        settings = plain(settings)
        try:
            known = json.loads(about.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            known = None
        if known != settings:
            if path.exists() and known is None and any(path.iterdir()):
                raise ValueError(f"{path} is no folder of a video job. Move it away.")
            shutil.rmtree(path, ignore_errors=True)
            write_json(about, settings)

    def video(self, number: int) -> Path:
        return self.path / f"{number:06d}.nut"

    def state(self, number: int) -> Path:
        return self.path / f"{number:06d}.npz"

    def load(self, number: int) -> dict | None:
        """What a finished segment left, else None. The state is written last."""
        if not (self.state(number).exists() and self.video(number).exists()):
            return None
        with np.load(self.state(number)) as found:
            return dict(found)

    def bridged(self, count: int) -> list[int]:
        found = []
        for number in range(count):
            state = self.load(number)
            found += state["bridged"].tolist()
            self.errors += state["errors"].tolist()
        return found


class _Job:
    """Segments one after another."""

    def __init__(self, model, use, values, tile, finish: Finish, smooth: float, bar):
        self.network = Computing(model, use, values, tile, False)
        self.limit = getattr(model, "batch_limit", 1)
        self.finish, self.bar, self.resumed = finish, bar, 0
        self.smoother = Smoother(smooth)
        self.last = None  # the newest result, for frames that are bad

    def segment(self, parts: _Parts, number: int, frames: list[Frame], clip, codec) -> None:
        """Makes a segment, or takes it from an earlier job."""
        state = parts.load(number)
        if state is None:
            state = self._make(parts, number, frames, clip, codec)
        else:
            self.resumed += len(frames)
        self.last = state["result"]
        self.smoother.start(state["source"], state["raw"], state["result"])
        self.bar.update(len(frames))

    def _make(self, parts, number, frames, clip, codec) -> dict:
        sources = [
            None if f.picture is None else _resized(Picture(f.picture), self.finish.size).rgb
            for f in frames
        ]
        results, bridged, self.smoother.errors = [], [], []
        source = raw = None
        for frame, picture, fresh in zip(frames, sources, self._translate(sources), strict=True):
            if fresh is None:
                bridged.append(frame.pts)
                logger.warning("Bridged the frame at %.2f s.", float(frame.pts * clip.time_base))
                results.append(self.last)
                continue
            source, raw = picture, fresh
            self.last = self.smoother(picture, fresh) if self.smoother.strength else fresh
            results.append(self.last)
        good = next((each for each in results if each is not None), None)
        if good is None:
            raise ValueError(f"{clip.path}: none of the first {len(frames)} frames can be read.")
        results = [good if each is None else each for each in results]
        results = [_same_size(each, results[0].shape) for each in results]
        with atomic_path(parts.video(number)) as temporary:
            made = [Frame(r, f.pts) for r, f in zip(results, frames, strict=True)]
            write_segment(temporary, made, clip, codec)
        state = {
            "source": results[-1] if source is None else source,
            "raw": results[-1] if raw is None else raw,
            "result": results[-1],
            "bridged": np.asarray(bridged, np.int64),
            "errors": np.asarray(self.smoother.errors, np.float64).reshape(-1, 2),
        }
        with atomic_path(parts.state(number)) as temporary:
            np.savez(temporary, **state)
        return state

    def _translate(self, sources: list) -> list:
        """Results in order, None for bad frames; neighbours of one size go together."""
        results = [None] * len(sources)
        batch: list[int] = []

        def flush():
            pictures = [((None, None), Picture(sources[index])) for index in batch]
            for index, result in zip(batch, self.network.each(pictures), strict=True):
                if isinstance(result, np.ndarray):
                    results[index] = self.finish.apply(Picture(sources[index]), result)
            batch.clear()

        for index, source in enumerate(sources):
            if source is None:
                continue
            if batch and (len(batch) >= self.limit or sources[batch[0]].shape != source.shape):
                flush()
            batch.append(index)
        if batch:
            flush()
        return results


def _same_size(picture: np.ndarray, shape) -> np.ndarray:
    if picture.shape == tuple(shape):
        return picture
    from ganime_tf.ops.litert import scaled

    return scaled(picture, tuple(shape[:2]))
