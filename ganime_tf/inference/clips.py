"""Reading and writing videos with PyAV: frames with their times, segments, the sound as it is."""

import dataclasses
import heapq
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

# name -> (encoder, options). VP9 and AV1 are free of patents and of the GPL, and every current
# browser, phone and player knows them; x264 and x265 are GPL libraries.
CODECS = {
    "vp9": ("libvpx-vp9", {"crf": "24", "b": "0", "row-mt": "1", "deadline": "good",
                           "cpu-used": "4"}),
    "av1": ("libsvtav1", {"crf": "28", "preset": "8"}),
    "h264": ("libx264", {"crf": "18", "preset": "medium"}),
    "h265": ("libx265", {"crf": "20", "preset": "medium"}),
    "ffv1": ("ffv1", {}),
}  # fmt: skip
GPL = ("h264", "h265")


def _av():
    try:
        import av
    except ImportError as error:
        raise ImportError('Videos need PyAV: pip install "ganime-tf[video]"') from error
    return av


@dataclasses.dataclass(frozen=True)
class Frame:
    """A frame of a video.

    Attributes:
        picture: uint8 RGB `(H, W, 3)`, upright; None where it could not be decoded.
        pts: Its time, in units of the video's time base.
    """

    picture: np.ndarray | None
    pts: int


class Clip:
    """A video that is read.

    Args:
        path: A file of any container that FFmpeg reads.

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When it holds no video.
    """

    def __init__(self, path: str | Path):
        av = _av()
        self.path = Path(path)
        if not self.path.is_file():
            raise FileNotFoundError(f"No video at {path}.")
        try:
            with av.open(str(path)) as container:
                if not container.streams.video:
                    raise ValueError(f"{path} has no video in it.")
                stream = container.streams.video[0]
                self.rate = Fraction(stream.average_rate or stream.guessed_rate or 25)
                self.time_base = Fraction(stream.time_base or 1 / self.rate)
                self.frames = stream.frames or None
                self.sounds = len(container.streams.audio)
        except av.error.FFmpegError as error:
            raise ValueError(f"{path} is no video that can be read: {error.strerror}") from error

    def __iter__(self) -> Iterator[Frame]:
        """Yields every frame in the order of time; damaged ones without a picture."""
        av = _av()
        with av.open(str(self.path)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            sent: list[int] = []  # times of packets whose frame has not come yet
            errors, last = 0, None
            for packet in container.demux(stream):
                if packet.pts is not None and packet.size:
                    heapq.heappush(sent, packet.pts)
                try:
                    frames = packet.decode()
                except av.error.FFmpegError:
                    # A decoder with threads reports an earlier packet's damage: which one it was
                    # shows when later frames come.
                    errors += 1
                    continue
                for frame in frames:
                    pts = frame.pts
                    if pts is None:
                        pts = 0 if last is None else last + round(1 / self.rate / self.time_base)
                    while sent and sent[0] <= pts:
                        missing = heapq.heappop(sent)
                        if missing < pts and errors and (last is None or missing > last):
                            errors -= 1
                            yield Frame(None, missing)
                            last = missing
                    if last is not None and pts <= last:
                        continue
                    yield Frame(None if frame.is_corrupt else _upright(frame), pts)
                    last = pts
            for missing in sorted(sent):  # at the end decoders drop errors silently
                if last is None or missing > last:
                    yield Frame(None, missing)
                    last = missing


def _upright(frame) -> np.ndarray:
    """RGB of a frame by its own colour matrix and range, turned as its file says."""
    picture = frame.reformat(
        format="rgb24", src_colorspace=frame.colorspace, src_color_range=frame.color_range
    ).to_ndarray()
    turns = round(getattr(frame, "rotation", 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(picture, turns)) if turns else picture


def write_segment(path: Path, frames: list[Frame], clip: Clip, codec: str) -> None:
    """Encodes frames by themselves: the first is a key frame, times are the clip's.

    Args:
        path: A `.nut` file, a container that keeps any time base.
        frames: With pictures of one size.
        clip: Where they come from.
        codec: A key of `CODECS`.
    """
    av = _av()
    name, options = CODECS[codec]
    height, width = frames[0].picture.shape[:2]
    with av.open(str(path), "w", format="nut") as container:
        stream = container.add_stream(name, rate=clip.rate, options=options)
        stream.width, stream.height = width, height
        even = height % 2 == 0 and width % 2 == 0
        stream.pix_fmt = "yuv420p" if even and codec != "ffv1" else "yuv444p"
        stream.time_base = stream.codec_context.time_base = clip.time_base
        stream.codec_context.colorspace = av.video.reformatter.Colorspace.ITU709
        stream.codec_context.color_range = av.video.reformatter.ColorRange.MPEG
        for each in frames:
            frame = av.VideoFrame.from_ndarray(each.picture, format="rgb24").reformat(
                format=stream.pix_fmt, dst_colorspace="ITU709", dst_color_range="MPEG"
            )
            frame.pts, frame.time_base = each.pts, clip.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def join(path: Path, segments: list[Path], clip: Clip) -> None:
    """Writes the video of all segments with the sound of the clip, packet by packet.

    Raises:
        ValueError: When the container cannot hold one of them.
    """
    av = _av()
    try:
        with av.open(str(path), "w") as out, av.open(str(clip.path)) as source:
            with av.open(str(segments[0])) as first:
                video = out.add_stream_from_template(first.streams.video[0])
            sounds = {
                stream.index: out.add_stream_from_template(stream)
                for stream in source.streams.audio
            }
            packets = [_video_packets(segments, video)]
            if sounds:
                packets.append(_sound_packets(source, sounds))
            for _, _, packet in heapq.merge(*packets, key=lambda each: each[:2]):
                out.mux(packet)
    except (av.error.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(
            f"{path.suffix} cannot hold this picture and sound ({reason}). Use .mkv, or .mp4."
        ) from error


def _video_packets(segments, stream):
    av = _av()
    number = 0
    for segment in segments:
        with av.open(str(segment)) as container:
            for packet in container.demux(container.streams.video[0]):
                if packet.dts is None:
                    continue
                moment = float(packet.dts * packet.time_base)
                packet.stream = stream
                number += 1
                yield moment, number, packet


def _sound_packets(source, streams):
    number = 1 << 40  # at equal times the picture comes first
    for packet in source.demux(*(s for s in source.streams.audio)):
        if packet.dts is None:
            continue
        moment = float(packet.dts * packet.time_base)
        packet.stream = streams[packet.stream.index]
        number += 1
        yield moment, number, packet
