"""Faces in ordinary photos: found, turned upright, translated, and pasted back with a soft edge."""

import dataclasses

import numpy as np

# Where eyes, nose and corners of the mouth lie in the square that the network sees: room for hair
# around them, as in portraits.
_TEMPLATE = np.array([[0.37, 0.46], [0.63, 0.46], [0.5, 0.60], [0.395, 0.73], [0.605, 0.73]])
_PROFILE = 0.22  # eyes nearer than this share of the face's width: no rotation by them


@dataclasses.dataclass(frozen=True)
class Face:
    """A face that was found.

    Attributes:
        box: x, y, width, height in pixels.
        points: float `(5, 2)`: the right and the left eye, the nose, both corners of the mouth.
        score: Certainty in [0, 1].
    """

    box: tuple[float, float, float, float]
    points: np.ndarray
    score: float


class FaceFinder:
    """OpenCV's `FaceDetectorYN` with the YuNet network (MIT licence).

    Args:
        threshold: Least certainty.

    Raises:
        ImportError: When OpenCV is not installed.
        MissingWeightsError: When the network's file is not there and cannot be downloaded.
    """

    def __init__(self, threshold: float = 0.7):
        try:
            import cv2
        except ImportError as error:
            raise ImportError('Faces need OpenCV: pip install "ganime-tf[faces]"') from error
        from ganime_tf.weights import find_weights

        path = str(find_weights("yunet"))
        self._detector = cv2.FaceDetectorYN.create(path, "", (320, 320), threshold)

    def __call__(self, image: np.ndarray) -> list[Face]:
        """Finds the faces of a uint8 RGB picture, the largest first."""
        height, width = image.shape[:2]
        self._detector.setInputSize((width, height))
        _, found = self._detector.detect(np.ascontiguousarray(image[..., ::-1]))
        faces = [
            Face(tuple(map(float, row[:4])), row[4:14].reshape(5, 2).astype(float), float(row[14]))
            for row in (() if found is None else found)
        ]
        return sorted(faces, key=lambda face: -face.box[2] * face.box[3])


def placement(face: Face, size: int) -> np.ndarray:
    """The similarity `(2, 3)` that takes the picture to the square of `size` around a face.

    By the five points (Umeyama 1991); for a profile, whose eyes are too near to tell its rotation,
    by the box.
    """
    x, y, width, height = face.box
    if np.linalg.norm(face.points[0] - face.points[1]) < _PROFILE * width:
        side = 2.0 * max(width, height)
        scale = size / side
        centre = np.array([x + width / 2, y + height / 2])
        return np.hstack([np.eye(2) * scale, (size / 2 - scale * centre)[:, None]])
    wanted = _TEMPLATE * size
    source_mean, wanted_mean = face.points.mean(0), wanted.mean(0)
    source, target = face.points - source_mean, wanted - wanted_mean
    u, strength, v = np.linalg.svd(target.T @ source / len(source))
    flip = np.diag([1.0, np.sign(np.linalg.det(u @ v)) or 1.0])
    rotation = u @ flip @ v
    scale = (strength * np.diag(flip)).sum() / source.var(0).sum()
    return np.hstack([scale * rotation, (wanted_mean - scale * rotation @ source_mean)[:, None]])


def soft_mask(size: int) -> np.ndarray:
    """float32 `(size, size)`: 1 on the head, falling smoothly to 0 before the border."""
    axis = (np.arange(size) + 0.5) / size * 2.0 - 1.0
    distance = np.sqrt((axis[None] / 0.95) ** 2 + (axis[:, None] / 0.95) ** 2)
    share = np.clip((1.0 - distance) / 0.3, 0.0, 1.0)
    return (share * share * (3.0 - 2.0 * share)).astype(np.float32)


class NoFaceError(ValueError):
    """No face was found in a picture."""


class FaceComputing:
    """Translates the faces of pictures and leaves the rest as it is; stands in for `Computing`.

    Args:
        network: Function of a list of uint8 pictures of one size to their results.
        find: Function of a picture to its faces.
        size: Side of the square that the network sees.
        without: For pictures without a face: "skip" raises, "whole" translates the picture.

    Raises:
        ValueError: On another word.
    """

    def __init__(self, network, find, size: int = 256, without: str = "skip"):
        if without not in ("skip", "whole"):
            raise ValueError(f"`without` must be skip or whole. Received {without!r}.")
        self.network, self.find, self.size, self.without = network, find, size, without

    def each(self, batch: list) -> list:
        """Results of `(pair, picture)`; for what cannot be computed, its exception."""
        results = []
        for _, picture in batch:
            try:
                results.append(self([picture.rgb])[0])
            except (ValueError, OSError, MemoryError) as error:
                results.append(error)
        return results

    def __call__(self, pictures: list[np.ndarray]) -> list[np.ndarray]:
        """uint8 pictures to uint8 pictures of the same sizes."""
        return [self._one(np.asarray(picture)) for picture in pictures]

    def _one(self, picture):
        import cv2

        faces = self.find(picture)
        if not faces:
            if self.without == "whole":
                return self.network([picture])[0]
            raise NoFaceError("no face was found in it")
        out = picture.astype(np.float32)
        for face in reversed(faces):  # the largest last: it lies on top
            matrix = placement(face, self.size)
            square = cv2.warpAffine(
                picture, matrix, (self.size, self.size),
                flags=cv2.INTER_AREA if np.linalg.det(matrix[:, :2]) < 1 else cv2.INTER_CUBIC,
                borderMode=cv2.BORDER_REFLECT_101,
            )  # fmt: skip
            fresh = np.asarray(self.network([square])[0])
            back = {
                "dsize": picture.shape[1::-1],
                "flags": cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            }
            mask = cv2.warpAffine(soft_mask(self.size), matrix, **back)[..., None]
            pasted = cv2.warpAffine(
                fresh.astype(np.float32), matrix, borderMode=cv2.BORDER_REFLECT_101, **back
            )
            out = out * (1.0 - mask) + pasted * mask
        return np.rint(np.clip(out, 0, 255)).astype(np.uint8)
