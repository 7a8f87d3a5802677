"""The readers of weights: what PyTorch writes, without it; and what lies, in bounded memory."""

import pickle
import struct
import subprocess
import sys
import tracemalloc
import zipfile

import numpy as np
import pytest
from weights.made_files import Tensor, save_legacy, save_safetensors, save_zip

from ganime_tf.weights import pickles, read_networks, read_state, read_tensors, reading
from ganime_tf.weights.reading import read_modules

MB = 1 << 20
STATE = {
    "conv.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
    "conv.half": np.float16([0.5, -2.0]),
    "double": np.float64([[1.0, 2.0]]),
    "num_batches_tracked": np.array(7),
    "mask": np.uint8([0, 255]),
    "empty": np.zeros((0, 3), np.float32),
}


def same(found, wanted):
    assert sorted(found) == sorted(wanted)
    for key, value in wanted.items():
        np.testing.assert_array_equal(found[key], value)
        assert found[key].dtype == value.dtype and found[key].shape == value.shape, key


def refused(path, read=read_tensors, *, limit=96 * MB) -> str:
    """The one line with which a file is refused, in bounded memory."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError) as error:
            read(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    message = str(error.value)
    assert "\n" not in message and str(path) in message
    assert peak < limit, f"{peak / MB:.0f} MB"
    return message


# What is good is read, number by number.


@pytest.mark.parametrize("save", [save_zip, save_legacy])
@pytest.mark.parametrize(
    "wrap", [lambda state: state, lambda state: {"state_dict": state, "epoch": 3}]
)
def test_pytorchs_formats_are_read_without_it(save, wrap, tmp_path):
    path = save(tmp_path / "a.pth", wrap(STATE))
    same(read_tensors(path), STATE)
    floats = {k: v.astype(np.float32) if v.dtype.kind == "f" else v for k, v in STATE.items()}
    same(read_state(path), floats)


def test_no_program_that_wrote_a_file_is_imported(tmp_path):
    save_zip(tmp_path / "a.pth", STATE)
    save_safetensors(tmp_path / "a.safetensors", {"x": np.ones(3, np.float32)})
    program = (
        "import sys; from ganime_tf.weights import read_tensors\n"
        "for name in sys.argv[1:]: read_tensors(name)\n"
        "sys.exit(bool({'torch', 'safetensors', 'tensorflow'} & set(sys.modules)))"
    )
    files = [tmp_path / "a.pth", tmp_path / "a.safetensors"]
    assert subprocess.run([sys.executable, "-c", program, *files]).returncode == 0


def test_views_are_read_as_they_lie(tmp_path):
    base = np.arange(12, dtype=np.float32)
    views = {
        "transposed": Tensor(base, (4, 3), (1, 4)),
        "part": Tensor(base, (2, 2), (3, 1), offset=4),
        "repeated": Tensor(base[:1], (5,), (0,)),
    }
    found = read_tensors(save_zip(tmp_path / "a.pth", views))
    np.testing.assert_array_equal(found["transposed"], base.reshape(3, 4).T)
    np.testing.assert_array_equal(found["part"], [[4, 5], [7, 8]])
    np.testing.assert_array_equal(found["repeated"], np.zeros(5))


def test_safetensors_are_read(tmp_path):
    arrays = {"a": STATE["conv.weight"], "b": np.float16([1.5]), "c": np.int64([[3]])}
    same(read_tensors(save_safetensors(tmp_path / "a.safetensors", arrays)), arrays)
    halves = np.float32([1.5, -2.0, 3e38]).view(np.uint32) >> 16  # bfloat16
    entry = {"x": {"dtype": "BF16", "shape": [3], "data_offsets": [0, 6]}}
    path = save_safetensors(
        tmp_path / "b.safetensors", {"x": halves.astype("<u2").view(np.uint8)}, entry
    )
    np.testing.assert_allclose(read_tensors(path)["x"], [1.5, -2.0, 3e38], rtol=1e-2)


def test_arrays_of_numpy_are_read(tmp_path):
    arrays = {"a": STATE["conv.weight"], "f": np.asfortranarray(np.arange(6.0).reshape(2, 3))}
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    same(read_tensors(tmp_path / "a.npz"), arrays)


def test_several_networks_and_their_prefix(tmp_path):
    path = save_zip(
        tmp_path / "a.pt", {"g": {"module.w": np.ones(2, np.float64)}, "flags": {"lr": 1}}
    )
    assert list(read_networks(path)) == ["g"]
    same(read_networks(path, ("g",))["g"], {"w": np.ones(2, np.float32)})
    with pytest.raises(ValueError, match="holds none of the networks d, e"):
        read_networks(path, ("d", "e"))
    whole = {"state_dict": {"w": np.ones(2, np.float32)}, "mean": np.zeros(3, np.float32)}
    found = read_tensors(save_zip(tmp_path / "b.pt", whole), whole=True)
    assert sorted(found) == ["mean", "state_dict.w"]


# What lies is refused.


def test_a_zip_bomb_is_refused_before_it_unpacks(tmp_path):
    path = tmp_path / "bomb.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}, protocol=2))
        with archive.open("archive/data/0", "w", force_zip64=True) as member:
            for _ in range(256):
                member.write(bytes(MB))
    assert path.stat().st_size < MB
    assert "zip bomb" in refused(path, limit=16 * MB)


def test_a_bomb_in_arrays_is_refused(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", zeros=np.zeros(40 * MB, np.float64))
    assert "zip bomb" in refused(tmp_path / "a.npz", limit=16 * MB)


def test_an_entry_that_says_less_than_it_holds_is_cut(tmp_path):
    """The size in the directory of an archive is what is reserved; more never comes in."""
    path = save_zip(tmp_path / "a.pth", {"w": np.zeros(30 * MB // 4, np.float32)}, compress=True)
    data = bytearray(path.read_bytes())
    full = struct.pack("<I", 30 * MB)
    assert data.count(full) >= 1
    path.write_bytes(bytes(data).replace(full, struct.pack("<I", 64)))
    refused(path, limit=16 * MB)


@pytest.mark.parametrize(
    ("tensor", "reason"),
    [
        (Tensor(np.ones(4, np.float32), (1000,), (1,)), "beyond its storage"),
        (Tensor(np.ones(4, np.float32), (2,), (1,), offset=3), "beyond its storage"),
        (Tensor(np.ones(4, np.float32), (2,), (1,), offset=-1), "beyond its storage"),
        (Tensor(np.ones(4, np.float32), (2,), (-1,), offset=3), "beyond its storage"),
        (Tensor(np.ones(1, np.float32), (1 << 40,), (0,)), "zip bomb"),
        (Tensor(np.ones(1, np.float32), (1 << 20, 1 << 20, 1 << 30), (0, 0, 0)), "zip bomb"),
    ],
)
def test_tensors_that_reach_too_far_are_refused(tensor, reason, tmp_path):
    path = save_zip(tmp_path / "a.pth", {"w": tensor})
    assert reason in refused(path, limit=16 * MB)


def test_many_views_of_one_number_are_a_bomb_together(tmp_path):
    one = np.ones(1, np.float32)
    views = {str(i): Tensor(one, (4 * MB,), (0,)) for i in range(64)}  # 16 MB each
    assert "zip bomb" in refused(save_zip(tmp_path / "a.pth", views), limit=160 * MB)


@pytest.mark.parametrize("count", [-1, 5, 1 << 60])
def test_older_files_that_lie_about_a_storage_are_refused(count, tmp_path):
    path = save_legacy(tmp_path / "a.pth", {"w": np.ones(4, np.float32)}, counts={"0": count})
    refused(path, limit=16 * MB)


@pytest.mark.parametrize("save", [save_zip, save_legacy])
def test_files_that_are_cut_anywhere_are_refused(save, tmp_path):
    whole = save(tmp_path / "whole.pth", {"w": np.ones(40, np.float32)}).read_bytes()
    for end in range(0, len(whole) - 1, 13):
        (tmp_path / "cut.pth").write_bytes(whole[:end])
        refused(tmp_path / "cut.pth", limit=16 * MB)


def test_safetensors_that_are_cut_anywhere_are_refused(tmp_path):
    whole = save_safetensors(
        tmp_path / "a.safetensors", {"w": np.ones(40, np.float32)}
    ).read_bytes()
    for end in range(0, len(whole) - 1, 7):
        (tmp_path / "cut.safetensors").write_bytes(whole[:end])
        refused(tmp_path / "cut.safetensors", limit=16 * MB)


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [3], "data_offsets": [0, 16]},
        {"dtype": "F32", "shape": [4], "data_offsets": [0, 1 << 50]},
        {"dtype": "F32", "shape": [4], "data_offsets": [-16, 0]},
        {"dtype": "F32", "shape": [4], "data_offsets": [16, 0]},
        {"dtype": "F32", "shape": [-4], "data_offsets": [0, 16]},
        {"dtype": "F32", "shape": [-2, -2], "data_offsets": [0, 16]},
        {"dtype": "F32", "shape": [1 << 62, 1 << 62], "data_offsets": [0, 16]},
        {"dtype": "F128", "shape": [1], "data_offsets": [0, 16]},
        {"dtype": "F32", "shape": "x", "data_offsets": [0, 16]},
        {"dtype": "F32", "shape": [4]},
        "no entry",
        None,
    ],
)
def test_headers_of_safetensors_that_lie_are_refused(entry, tmp_path):
    path = save_safetensors(tmp_path / "a.safetensors", {"w": np.ones(4, np.float32)}, {"w": entry})
    refused(path, limit=16 * MB)


@pytest.mark.parametrize("length", [0, 1, 1 << 20, (1 << 64) - 1])
def test_a_header_of_another_length_is_refused(length, tmp_path):
    path = save_safetensors(
        tmp_path / "a.safetensors", {"w": np.ones(4, np.float32)}, length=length
    )
    refused(path, limit=16 * MB)


def test_many_entries_for_the_same_bytes_are_a_bomb(tmp_path):
    size = 4 * MB
    entry = {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}
    header = {str(i): entry for i in range(40)}
    path = save_safetensors(tmp_path / "a.safetensors", {"w": np.ones(size, np.uint8)}, header)
    assert "zip bomb" in refused(path, limit=400 * MB)


def _npy(header: dict, data: bytes = bytes(16)) -> bytes:
    text = repr(header).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


@pytest.mark.parametrize(
    "header",
    [
        {"descr": "<f4", "fortran_order": False, "shape": (5,)},
        {"descr": "<f4", "fortran_order": False, "shape": (1 << 60,)},
        {"descr": "<f4", "fortran_order": False, "shape": (-2, -2)},
        {"descr": "|O", "fortran_order": False, "shape": (2,)},
        {"descr": "<f4", "fortran_order": False},
        {"descr": "__import__('os').abort()", "fortran_order": False, "shape": (4,)},
    ],
)
def test_arrays_of_numpy_that_lie_are_refused(header, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("w.npy", _npy(header))
    refused(tmp_path / "a.npz", limit=16 * MB)


def test_members_that_are_no_arrays_and_other_suffixes_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("w.txt", "text")
    assert "w.txt is no array" in refused(tmp_path / "a.npz")
    (tmp_path / "b.npz").write_bytes(b"noise")
    assert "it is no .npz file" in refused(tmp_path / "b.npz")
    (tmp_path / "empty.pth").write_bytes(b"")
    refused(tmp_path / "empty.pth")
    with pytest.raises(FileNotFoundError, match="No checkpoint file"):
        read_tensors(tmp_path / "absent.pth")


# What asks for code is refused by its name, and never runs.


class Call:
    """Pickles as a call of a function."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def _asking(data: bytes, path):
    """A file whose first pickle is `data`, in each of the formats."""
    with zipfile.ZipFile(path / "zip.pth", "w") as archive:
        archive.writestr("archive/data.pkl", data)
    (path / "older.pth").write_bytes(data)
    (path / "plain.pkl").write_bytes(data)
    return [path / "zip.pth", path / "older.pth", path / "plain.pkl"]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (Call(eval, "open('RAN', 'w')"), "builtins.eval"),
        (Call(exec, "open('RAN', 'w')"), "builtins.exec"),
        (Call(getattr, "x", "upper"), "builtins.getattr"),
        (Call(open, "RAN", "w"), "io.open"),
        (Call(subprocess.Popen, ["touch", "RAN"]), "subprocess.Popen"),
        (Call(np.load, "RAN"), "numpy.load"),
        (Call(pickle.loads, b"."), "_pickle.loads"),
    ],
)
def test_functions_are_refused_by_name_and_do_not_run(call, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in _asking(pickle.dumps({"w": call}, protocol=4), tmp_path):
        assert f"it asks for {name}, which is no tensor" in refused(path, limit=16 * MB)
    assert not (tmp_path / "RAN").exists()


@pytest.mark.parametrize("module", ["torch.nn.modules.conv Conv2d", "os system", "posix system"])
def test_classes_of_other_programs_are_refused_by_name(module, tmp_path):
    module, _, name = module.partition(" ")
    data = b"\x80\x02c" + f"{module}\n{name}\n".encode() + b")\x81."
    for path in _asking(data, tmp_path):
        assert f"it asks for {module}.{name}" in refused(path, limit=16 * MB)


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02i__builtin__\neval\n.",  # INST
        b"\x80\x02(c__builtin__\neval\no.",  # OBJ
        b"\x80\x02\x82\x01.",  # EXT1
        b"\x80\x05\x96" + struct.pack("<Q", 1 << 60) + b".",  # BYTEARRAY8
        b"\x80\x04\x8e" + struct.pack("<Q", 1 << 60) + b".",  # BINBYTES8
        b"\x80\x04\x8d" + struct.pack("<Q", 1 << 60) + b".",  # BINUNICODE8
        b"\x80\x02r\xff\xff\xff\x7f.",  # LONG_BINPUT far away
    ],
)
def test_operations_that_no_weights_need_are_refused(data, tmp_path):
    for path in _asking(data, tmp_path):
        refused(path, limit=64 * MB)


def test_pickles_of_endless_operations_are_refused_before_they_are_followed(tmp_path, monkeypatch):
    monkeypatch.setattr(pickles, "_MOST_OPERATIONS", 10_000)  # 2,000,000 take 3 s
    for path in _asking(b"\x80\x02N" + b"2" * 11_000 + b".", tmp_path):
        assert "more operations than any file of weights" in refused(path, limit=16 * MB)


def test_pickles_that_are_small_and_endless_to_walk_are_refused(tmp_path, monkeypatch):
    """A table whose entries hold the next one twice, 40 times over."""
    monkeypatch.setattr(reading, "_MOST_NODES", 10_000)
    wide = b"\x80\x02}q\x00" + b"".join(
        b"}(U\x01ah" + bytes([i]) + b"U\x01bh" + bytes([i]) + b"uq" + bytes([i + 1])
        for i in range(40)
    )
    for path in _asking(wide + b".", tmp_path)[::2]:
        assert "more entries than any file of weights" in refused(path, limit=16 * MB)


def test_storages_outside_of_the_file_are_refused(tmp_path):
    save_zip(tmp_path / "a.pth", {"w": np.ones(4, np.float32)})
    with zipfile.ZipFile(tmp_path / "a.pth") as archive:
        data = archive.read("archive/data.pkl")
    (tmp_path / "plain.pkl").write_bytes(data)
    assert "refers to data outside" in refused(tmp_path / "plain.pkl")
    with zipfile.ZipFile(tmp_path / "b.pth", "w") as archive:
        archive.writestr("archive/data.pkl", data)
    refused(tmp_path / "b.pth")
    with zipfile.ZipFile(tmp_path / "c.pth", "w") as archive:
        archive.writestr("archive/data.pkl", data.replace(b"FloatStorage", b"ComplexStorage"))
        archive.writestr("archive/data/0", bytes(16))
    assert "asks for torch.ComplexStorage" in refused(tmp_path / "c.pth")
    save_zip(tmp_path / "d.pth", {"w": np.ones(4, np.float32)}, data_0=bytes(5))
    refused(tmp_path / "d.pth")


def test_two_indices_and_another_byte_order_are_refused(tmp_path):
    save_zip(tmp_path / "a.pth", STATE)
    with zipfile.ZipFile(tmp_path / "a.pth", "a") as archive:
        archive.writestr("archive/byteorder", "big")
    assert "largest byte first" in refused(tmp_path / "a.pth")
    save_zip(tmp_path / "b.pth", STATE)
    with zipfile.ZipFile(tmp_path / "b.pth", "a") as archive:
        archive.writestr("other/data.pkl", b"\x80\x02}.")
    assert "expected one data.pkl, found 2" in refused(tmp_path / "b.pth")


def test_a_file_without_tensors_says_what_was_expected(tmp_path):
    assert "holds no tensors" in refused(save_zip(tmp_path / "a.pth", {"epoch": 3}))
    (tmp_path / "b.pkl").write_bytes(pickle.dumps({"G": 3}, protocol=2))
    assert "holds none of the networks G" in refused(
        tmp_path / "b.pkl", lambda path: read_modules(path, ["G"])
    )


@pytest.mark.parametrize("save", [save_zip, save_legacy])
def test_damaged_bytes_are_refused_or_read_never_worse(save, tmp_path):
    """300 files with flipped bytes: arrays or one line, in bounded memory and time."""
    whole = save(tmp_path / "a.pth", {"w": np.ones(64, np.float32), "b": np.zeros(3)}).read_bytes()
    random = np.random.default_rng(0)
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(random.integers(1, 6)):
            data[random.integers(len(data))] = random.integers(256)
        (tmp_path / "b.pth").write_bytes(data)
        tracemalloc.start()
        try:
            read_tensors(tmp_path / "b.pth")
        except ValueError as error:
            assert "\n" not in str(error)
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert peak < 96 * MB


@pytest.mark.parity
@pytest.mark.parametrize("new", [True, False])
def test_files_of_pytorch_itself_are_read(new, tmp_path):
    torch = pytest.importorskip("torch")
    base = torch.arange(24.0).reshape(4, 6)
    state = {
        "w": base,
        "t": base.T,
        "part": base[1:, ::2],
        "parameter": torch.nn.Parameter(base.double()),
        "bfloat16": base.bfloat16(),
        "scalar": torch.tensor(7),
        "empty": torch.zeros(0, 3),
    }
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "a.pth",
               _use_new_zipfile_serialization=new)  # fmt: skip
    found = read_tensors(tmp_path / "a.pth")
    wanted = {k: (v.float() if k == "bfloat16" else v).detach().numpy() for k, v in state.items()}
    same(found, wanted)
