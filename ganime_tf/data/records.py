"""Sharded TFRecords: few large files instead of hundreds of thousands of small ones.

A folder of shards holds `index.json` (kind, domains, and for each shard its SHA-256, names, offsets
and lengths) and `DOMAIN-00003-of-00012.tfrecord`. A record is a `tf.train.Example` with one bytes
feature `part0`, `part1`, ... a stored picture: the file's own bytes (label maps as PNG). The index
makes every record reachable at once, so streams from shards have the same order as those from
files. Paths may be any that `tf.io.gfile` opens (`gs://...`).
"""

import hashlib
import io
import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from ganime_tf.data.checked import field
from ganime_tf.data.decoding import decode
from ganime_tf.data.domain import Domain, Part
from ganime_tf.data.geometry import ASPECTS
from ganime_tf.data.io import BadImageError, decode_bytes, read_bytes
from ganime_tf.data.stores import FileStore, MapStore
from ganime_tf.ops.files import write_atomic, write_json
from ganime_tf.ops.settings import claim_folder

INDEX = "index.json"
_FORMAT = 1


def is_records(path: str | Path) -> bool:
    """Whether `path` is a folder of shards."""
    return tf.io.gfile.exists(os.path.join(os.fspath(path), INDEX))


class _Shards:
    """The records of one domain: reads one by its number."""

    def __init__(self, root: str, shards: list[dict]):
        self.root, self.files = root, [shard["file"] for shard in shards]
        self.names = [name for shard in shards for name in shard["names"]]
        counts = [len(shard["names"]) for shard in shards]
        self._shard = np.repeat(np.arange(len(shards)), counts)
        self._offset = np.array([x for shard in shards for x in shard["offsets"]], np.int64)
        self._length = np.array([x for shard in shards for x in shard["lengths"]], np.int64)
        self._open, self._lock = {}, threading.Lock()

    def read(self, index: int) -> bytes:
        """The serialized example `index`."""
        shard, offset = int(self._shard[index]), int(self._offset[index])
        length, path = int(self._length[index]), os.path.join(self.root, self.files[shard])
        try:
            if "://" in path:
                with tf.io.gfile.GFile(path, "rb") as file:
                    file.seek(offset)
                    data = file.read(length)
            else:
                with self._lock:  # of two files opened at once, one would be closed in use
                    if shard not in self._open:
                        self._open[shard] = open(path, "rb")  # noqa: SIM115  kept for pread
                data = os.pread(self._open[shard].fileno(), length, offset)
        except (OSError, tf.errors.OpError) as error:
            raise BadImageError(f"{path}: {error}") from error
        if len(data) != length:
            raise BadImageError(f"{path}: the shard is shorter than its index says")
        return data


class RecordStore(FileStore):
    """One picture column of a shard set; see `FileStore`."""

    def __init__(self, shards: _Shards, part: int, nearest: bool, ids=None, background=None):
        self.shards, self.part, self.nearest = shards, part, nearest
        self.ids = np.arange(len(shards.names)) if ids is None else ids
        self.names = [shards.names[i] for i in self.ids]
        self.channels = 1 if nearest else 3
        self.background = background or (255, 255, 255)
        self.root = shards.root

    def select(self, ids) -> "RecordStore":
        """The same store with only these records."""
        return RecordStore(self.shards, self.part, self.nearest, self.ids[ids], self.background)

    def _content(self, index) -> bytes:
        example = tf.train.Example.FromString(self.shards.read(int(self.ids[index])))
        return example.features.feature[f"part{self.part}"].bytes_list.value[0]

    def load(self, index: int, size: int) -> np.ndarray:
        """Decodes a record in Python."""
        del size
        try:
            content = self._content(index)
        except (BadImageError, IndexError) as error:
            raise BadImageError(str(error)) from error
        except Exception as error:  # protobuf's DecodeError has no public base
            raise BadImageError(f"damaged record: {error}") from error
        if self.nearest:
            with Image.open(io.BytesIO(content)) as image:
                return np.array(image, np.uint8)[..., None]
        return decode_bytes(content, self.background)

    def pixels(self, index, size):
        """Decodes a record in the graph."""
        del size
        content = tf.numpy_function(self._content, [index], tf.string, stateful=False)
        content = tf.ensure_shape(content, [])
        if self.nearest:
            return tf.ensure_shape(tf.io.decode_png(content, channels=1), [None, None, 1])
        return decode(content, self.background)


def open_records(
    path: str | Path, kind: str, background
) -> tuple[list[Domain], list[Domain], list, str]:
    """Opens a folder of shards.

    Returns:
        `(domains to train on, to validate on, labels, title)`.

    Raises:
        ValueError: When the index is damaged, or the shards hold another kind of data.
    """
    root = os.fspath(path)
    try:
        with tf.io.gfile.GFile(os.path.join(root, INDEX), "r") as file:
            index = json.loads(file.read())
        _check_index(index, root)
        held_out = index["validation_domains"]
        domains = {
            d["name"]: _domains(root, d, background, d["name"] in index["train_domains"])
            for d in index["domains"]
        }
        stored = index["kind"]
        if index["format"] != _FORMAT:
            raise ValueError(f"format {index['format']}, this version reads {_FORMAT}")
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ValueError(
            f"{root}/{INDEX} is not an index of `ganime prepare shard`: {error}"
        ) from error
    if stored != kind:
        raise ValueError(
            f"{root} holds {stored} data, not {kind}. Shard it anew with --kind {kind}."
        )
    train = [domains[name][0] for name in index["train_domains"]]
    return train, [domains[name][1] for name in held_out], index["labels"], root


def _check_index(index: dict, root: str) -> None:
    """Raises a `ValueError` that names the field that is not what it must be."""
    for name, kind, each in (("format", int, None), ("kind", str, None), ("labels", list, str),
                             ("train_domains", list, str), ("validation_domains", list, str),
                             ("domains", list, dict)):  # fmt: skip
        field(index, name, kind, each=each)
    known = {field(entry, "name", str, "domains") for entry in index["domains"]}
    for name in (*index["train_domains"], *index["validation_domains"]):
        if name not in known:
            raise ValueError(f"there is no {name!r} in `domains`")
    for entry in index["domains"]:
        where = f"domains[{entry['name']}]"
        for name, kind, each in (
            ("role", str, None), ("aspect", str, None), ("parts", list, dict),
            ("labels", dict, list), ("shards", list, dict), ("train_ids", list, int),
            ("validation_ids", list, int),
        ):  # fmt: skip
            field(entry, name, kind, where, each)
        if entry["aspect"] not in ASPECTS:
            raise ValueError(f"`{where}.aspect` must be one of {', '.join(ASPECTS)}")
        for part in entry["parts"]:
            field(part, "nearest", bool, f"{where}.parts")
            field(part, "outputs", list, f"{where}.parts", list)
        count = 0
        for shard in entry["shards"]:
            file = field(shard, "file", str, f"{where}.shards")
            if file in ("", ".", "..") or set(file) & set("/\\\0"):
                raise ValueError(f"`{where}.shards.file` {file!r} is no name of a file beside it")
            path = os.path.join(root, file)
            if os.path.lexists(path) and not os.path.isfile(path):
                raise ValueError(f"`{where}.shards.file` {file!r} is not a regular file")
            lengths = [
                len(field(shard, name, list, f"{where}.shards", each))
                for name, each in (("names", str), ("offsets", int), ("lengths", int))
            ]
            if len(set(lengths)) > 1 or min(*shard["offsets"], *shard["lengths"], 0) < 0:
                raise ValueError(
                    f"`{where}.shards`: names, offsets and lengths do not belong together"
                )
            count += lengths[0]
        for name in ("train_ids", "validation_ids"):
            if not all(0 <= number < count for number in entry[name]):
                raise ValueError(f"`{where}.{name}` counts beyond its {count} records")
        for key, values in entry["labels"].items():
            if len(values) != count or not all(isinstance(value, int) for value in values):
                raise ValueError(f"`{where}.labels.{key}` must be {count} whole numbers")


def _domains(root: str, entry: dict, background, trained: bool) -> tuple[Domain, Domain]:
    """The samples to train on and those to validate on, of one list of shards."""
    shards = _Shards(root, entry["shards"])
    parts = [
        Part(RecordStore(shards, number, part["nearest"], background=background),
             tuple((key, strip, strips) for key, strip, strips in part["outputs"]))
        for number, part in enumerate(entry["parts"])
    ]  # fmt: skip
    labels = {key: np.array(values, np.int32) for key, values in entry["labels"].items()}
    domain = Domain(entry["role"], parts, labels, entry["aspect"])
    train, held_out = domain.select(entry["train_ids"]), domain.select(entry["validation_ids"])
    if trained:
        train.held_out, held_out.from_split = held_out.rows(), True
    return train, held_out


def _part_bytes(store, index: int) -> bytes:
    if isinstance(store, MapStore) or not isinstance(store, FileStore):
        pixels = store.load(index, 512)
        buffer = io.BytesIO()
        image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
        image.save(buffer, "PNG")
        return buffer.getvalue()
    content = read_bytes(store.path(index))
    decode_bytes(content, store.background)  # a bad file never gets into a shard
    return content


def _write_shard(path: str, stores: list, ids: list[int]) -> dict:
    """Writes one shard and its side file; returns the shard's entry of the index."""
    names, kept, offsets, lengths, skipped = [], [], [], [], []
    temporary = path + ".part"
    position = 0
    with tf.io.TFRecordWriter(temporary) as writer:
        for index in ids:
            try:
                contents = [_part_bytes(store, index) for store in stores]
            except (ValueError, OSError) as error:
                skipped.append([stores[0].path(index), str(error)])
                continue
            features = {
                f"part{number}": tf.train.Feature(bytes_list=tf.train.BytesList(value=[content]))
                for number, content in enumerate(contents)
            }
            data = tf.train.Example(
                features=tf.train.Features(feature=features)
            ).SerializeToString()
            writer.write(data)
            names.append(stores[0].names[index])
            kept.append(int(index))
            offsets.append(position + 12)  # length and its checksum come before the data
            lengths.append(len(data))
            position += len(data) + 16
    entry = {"file": os.path.basename(path), "sha256": _sha256(temporary), "names": names,
             "ids": kept, "offsets": offsets, "lengths": lengths, "skipped": skipped}  # fmt: skip
    os.replace(temporary, path)
    write_atomic(path + ".json", json.dumps({"wanted": [int(i) for i in ids], "entry": entry}))
    return entry


def _sha256(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _finished(path: str, stores: list, ids) -> dict | None:
    """The entry of a shard that an earlier run wrote whole from the same files."""
    try:
        side = json.loads(Path(path + ".json").read_text())
        entry = side["entry"]
        same = side["wanted"] == [int(i) for i in ids]
        same = same and all(stores[0].names[i] == n
                            for i, n in zip(entry["ids"], entry["names"], strict=True))  # fmt: skip
        return entry if same and _sha256(path) == entry["sha256"] else None
    except (OSError, ValueError, KeyError, IndexError):
        return None


def write_records(source, out: str | Path, *, shard_size: int = 1000, workers: int = 1,
                  report: Callable[[int], None] = lambda count: None) -> dict:  # fmt: skip
    """Packs a `Source` into shards; run again after an interruption, it goes on.

    Args:
        source: What to pack; its split is kept.
        out: Folder to write to.
        shard_size: Records a shard.
        workers: Processes.
        report: Called with the number of records of each finished shard.

    Returns:
        The index.

    Raises:
        ValueError: When `out` holds other files, or shards of something else.
    """
    out = Path(out)
    settings = {"kind": source.kind, "set of pictures": source.listing_hash}
    settings["shard_size"] = shard_size
    claim_folder(out, ".shards.json", settings)
    entries, jobs = [], []
    for domain, role in [*((d, "train") for d in source.domains),
                         *((d, "validation") for d in source.validation_domains)]:  # fmt: skip
        name = f"{domain.name}{len(entries)}"
        places = {}
        for index, row in enumerate(domain.rows()):
            places.setdefault(row, index)  # a validation picture may come several times
        wanted = np.array(list(places.values()), np.int64)
        order = [places[row] for row in domain.rows()]
        chunks = [wanted[i : i + shard_size] for i in range(0, len(wanted), shard_size)]
        paths = [str(out / f"{name}-{i:05d}-of-{len(chunks):05d}.tfrecord")
                 for i in range(len(chunks))]  # fmt: skip
        stores = [part.store for part in domain.parts]
        jobs += [(domain, path, stores, chunk) for path, chunk in zip(paths, chunks, strict=True)]
        entries.append((domain, name, role, order, paths))
    done = {}
    todo = []
    for job in jobs:
        entry = _finished(job[1], job[2], job[3])
        if entry is None:
            todo.append(job)
        else:
            done[job[1]] = entry
            report(len(entry["names"]))
    for path, entry in _run(todo, workers):
        done[path] = entry
        report(len(entry["names"]))
    index = {"format": _FORMAT, "kind": source.kind, "labels": source.labels,
             "train_domains": [n for _, n, role, _, _ in entries if role == "train"],
             "validation_domains": [n for _, n, role, _, _ in entries if role == "validation"],
             "domains": [_entry(d, n, role, order, [done[p] for p in ps])
                         for d, n, role, order, ps in entries]}  # fmt: skip
    write_json(out / INDEX, index)
    return index


def _run(jobs: list, workers: int):
    picklable = workers > 1 and all(type(s) is FileStore for job in jobs for s in job[2])
    if not picklable:
        for _, path, stores, ids in jobs:
            yield path, _write_shard(path, stores, ids)
        return
    import multiprocessing

    context = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        plain = lambda s: FileStore(s.root, s.names, s.background)  # noqa: E731
        futures = {
            pool.submit(_write_shard, path, [plain(s) for s in stores], ids): path
            for _, path, stores, ids in jobs
        }
        for future in as_completed(futures):
            yield futures[future], future.result()


def _entry(domain: Domain, name: str, role: str, order: list[int], shards: list[dict]) -> dict:
    ids = [i for shard in shards for i in shard["ids"]]
    place = {index: number for number, index in enumerate(ids)}
    numbers = [place[i] for i in order if i in place]
    return {
        "name": name,
        "role": domain.name,
        "aspect": domain.aspect,
        "parts": [{"nearest": part.store.nearest, "outputs": part.outputs}
                  for part in domain.parts],
        "labels": {k: [int(v[i]) for i in ids] for k, v in domain.labels.items()},
        "train_ids": numbers if role == "train" else [],
        "validation_ids": numbers if role == "validation" else [],
        "shards": shards,
    }  # fmt: skip


def verify_records(path: str | Path) -> list[str]:
    """Files of a local folder of shards whose SHA-256 is not that of the index."""
    index = json.loads((Path(path) / INDEX).read_text())
    bad = []
    for domain in index["domains"]:
        for shard in domain["shards"]:
            file = Path(path) / shard["file"]
            if not file.is_file() or _sha256(str(file)) != shard["sha256"]:
                bad.append(str(file))
    return bad
