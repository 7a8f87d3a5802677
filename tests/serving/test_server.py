"""The web page's server, by HTTP."""

import base64
import contextlib
import http.client
import io
import json
import socket
import subprocess
import sys
import threading
import time
import zipfile

import numpy as np
import pytest
from PIL import Image

from ganime_tf.cli import main
from ganime_tf.colouring import Page
from ganime_tf.colouring.sheet import Sheet
from ganime_tf.models.uses import Runner, Use
from ganime_tf.serving.limits import Limits
from ganime_tf.serving.server import Server

_RED = {"points": [{"x": 120, "y": 120, "color": "#c03040"}]}


def _png(pixels) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    return stream.getvalue()


def _read(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


def _lineart(size=240) -> np.ndarray:
    page = np.full((size, size, 3), 255, np.uint8)
    rows, columns = np.mgrid[:size, :size] - size // 2
    page[np.abs(np.hypot(rows, columns) - size / 4) < 2] = 0
    return page


class Swapper(Runner):
    """A model without TensorFlow: swaps red and blue, as often as the label says."""

    def uses(self):
        return {"default": Use(None, ("image", "label"), defaults={"label": 1}, help="swap")}

    def call_use(self, name, tensors):
        return tensors["image"][..., ::-1] if tensors["label"][0] % 2 else tensors["image"]


@contextlib.contextmanager
def _serving(limits=None, **settings):
    with Server(limits=limits, **settings) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def server():
    limits = Limits(max_bytes=300_000, max_pixels=400_000)
    with _serving(limits, models={"swap per": Swapper()}, area=96) as server:
        yield server


def _ask(server, path, body=None, **headers):
    connection = http.client.HTTPConnection(*server.server_address[:2], timeout=20)
    with contextlib.closing(connection):
        content = json.dumps(body) if isinstance(body, dict | list) else body
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET" if body is None else "POST", path, content, headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.headers["Content-Type"] == "application/json":
            content = json.loads(content)
        return answer.status, content


@pytest.fixture(scope="module")
def page(server):
    status, answer = _ask(server, "/api/pages", _png(_lineart()))
    assert status == 200 and answer["width"] == 240 and answer["view"] == [240, 240]
    return f"/api/pages/{answer['id']}"


def test_a_dab_fills_its_region_and_a_second_dab_another(server, page):
    _, content = _ask(server, f"{page}/preview", {"hints": _RED, "paper": True})
    picture = _read(content)
    assert np.abs(picture[120, 130].astype(int) - (192, 48, 64)).max() <= 1
    assert (picture[10, 10] == 255).all() and (picture[120, 60] == 0).all()
    second = {"points": [*_RED["points"], {"x": 10, "y": 10, "color": "#80c0f0"}]}
    _, content = _ask(server, f"{page}/preview", {"hints": second, "paper": True, "flat": True})
    assert _read(content)[230, 230].tolist() == [128, 192, 240]


def test_results_are_pictures_and_layers(server, page):
    body = {"hints": _RED, "flat": True}
    _, picture = _ask(server, f"{page}/result", {**body, "format": "png"})
    _, colour = _ask(server, f"{page}/result", {**body, "format": "colour"})
    assert (_read(picture)[120, 60] == 0).all()
    assert _read(colour)[120, 60].tolist() == [192, 48, 64]  # no line in the colour layer
    _, ora = _ask(server, f"{page}/result", {**body, "format": "ora"})
    with zipfile.ZipFile(io.BytesIO(ora)) as file:
        assert file.read("mimetype") == b"image/openraster"
        assert b'name="flats"' in file.read("stack.xml")


def test_shade_darkens_as_asked_and_is_a_layer(server, page):
    body = {"hints": {"points": [{"x": 10, "y": 10, "color": "#80c0f0"}, *_RED["points"]]}}
    seen = {}
    for name, wish in {
        "none": {},
        "cel": {"shade": "cel", "depth": 0.9},
        "right": {"shade": "cel", "depth": 0.9, "light": "right"},
    }.items():
        status, content = _ask(server, f"{page}/preview", {**body, **wish})
        assert status == 200
        seen[name] = _read(content).astype(int)
    assert (seen["cel"] <= seen["none"]).all() and (seen["none"] - seen["cel"]).max() > 60
    assert np.abs(seen["cel"] - seen["right"]).max() > 60
    _, ora = _ask(server, f"{page}/result", {**body, "shade": "soft", "format": "ora"})
    with zipfile.ZipFile(io.BytesIO(ora)) as file:
        assert b'name="shade"' in file.read("stack.xml") and b"svg:multiply" in file.read(
            "stack.xml"
        )
    status, answer = _ask(server, f"{page}/preview", {**body, "shade": "hard"})
    assert status == 400 and "cel, soft" in str(answer)


def test_a_large_page_is_seen_small_and_answered_at_its_own_size(server):
    large = np.array(Image.fromarray(_lineart()).resize((100, 2400)))
    _, answer = _ask(server, "/api/pages", _png(large))
    assert answer["view"] == [50, 1200] and answer["height"] == 2400
    _, lineart = _ask(server, f"/api/pages/{answer['id']}/lineart")
    assert _read(lineart).shape == (1200, 50, 3)
    hints = {"size": [50, 1200], "points": [{"x": 25, "y": 600, "color": "#102030"}]}
    _, picture = _ask(server, f"/api/pages/{answer['id']}/result", {"hints": hints})
    assert _read(picture).shape == large.shape
    assert _read(picture)[1200, 50].tolist() == [16, 32, 48]


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/api/pages", b"no picture", 400, "not a picture"),
        ("/api/pages", b"", 400, "no picture"),
        ("/api/pages", _png(_lineart())[:-200], 400, "truncated"),
        ("/api/pages", _png(np.zeros((8, 8, 3), np.uint8)), 400, "16 to"),
        ("/api/pages", _png(np.zeros((700, 700), np.uint8)), 413, "pixels"),
        ("/api/pages", bytes(310_000), 413, "0.31 MB"),
        ("/api/pages/unknown/preview", {}, 404, "not open"),
        ("/api/pages/../preview", {}, 404, "nothing"),
        ("/api/color", b"{", 400, "not JSON"),
        ("/api/color", b"[" * 100_000, 400, "not JSON"),
        ("/api/color", [], 400, "JSON object"),
        ("/api/color", {}, 400, "'page' is missing"),
        ("/api/color", {"page": "?"}, 400, "base64"),
        ("/api/color", {"path": "/etc/hostname"}, 400, "Unknown field 'path'"),
        ("/api/models/other", {}, 404, "swap per"),
        ("/api/models/swap%20per", {"image": 3}, 400, "a string"),
        ("/api/models/swap%20per", {"seed": 3}, 400, "seed"),
        ("/nothing", {}, 404, "nothing"),
    ],
)
def test_bad_requests_are_told_why(server, path, body, status, message):
    got, answer = _ask(server, path, body)
    assert got == status and message in answer["error"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"hints": {"dots": []}}, "dots"),
        ({"hints": {"points": [{"x": 900, "y": 0, "color": "red"}]}}, "outside"),
        ({"hints": {"points": [{"x": 9, "y": 0, "color": "redd"}]}}, "redd"),
        ({"hints": []}, "an object"),
        ({"flat": 1}, "true or false"),
        ({"size": 3}, "Unknown field"),
    ],
)
def test_bad_hints_are_told_why(server, page, body, message):
    status, answer = _ask(server, f"{page}/preview", body)
    assert status == 400 and message in answer["error"]


def test_another_format_is_refused(server, page):
    status, answer = _ask(server, f"{page}/result", {"format": "exe"})
    assert status == 400 and "png, colour, ora, psd" in answer["error"]


def test_the_page_and_its_files_come_and_nothing_else(server):
    status, content = _ask(server, "/")
    assert status == 200 and b"Drop a line drawing" in content
    for name in ("page.css", "page.js", "models.js", "icon.svg"):
        assert f'"{name}"'.encode() in content or name == "models.js"
        assert _ask(server, f"/{name}")[0] == 200
    for path in ("/../server.py", "/static/index.html", "/%2e%2e/server.py", "//etc/hostname"):
        assert _ask(server, path)[0] == 404
    assert _read(_ask(server, "/api/examples/1")[1]).shape == (800, 800, 3)
    assert _ask(server, "/api/examples/9")[0] == 404


def test_foreign_pages_and_names_are_refused(server):
    picture = _png(_lineart())
    assert _ask(server, "/api/pages", picture, Origin="http://evil.example")[0] == 403
    assert _ask(server, "/api/pages", picture, Origin="null")[0] == 403
    assert _ask(server, "/api", Host="evil.example:80")[0] == 403  # DNS that leads here
    own = f"127.0.0.1:{server.server_port}"
    assert _ask(server, "/api/pages", picture, Host=own, Origin=f"http://{own}")[0] == 200


def test_one_request_does_everything_for_programs(server):
    body = {"page": base64.b64encode(_png(_lineart())).decode(), "hints": _RED, "layers": "ora"}
    status, answer = _ask(server, "/api/color", body)
    assert status == 200 and answer["width"] == 240
    assert _read(base64.b64decode(answer["picture"]))[120, 120].tolist() == [192, 48, 64]
    assert zipfile.is_zipfile(io.BytesIO(base64.b64decode(answer["layers"])))
    status, answer = _ask(server, "/api/color", {"page": body["page"]})
    assert status == 200 and "No hint" in answer["remark"]


def test_models_are_described_and_run(server):
    _, described = _ask(server, "/api/models")
    assert described["swap per"]["default"]["inputs"] == ["image", "label"]
    image = base64.b64encode(_png(np.full((20, 30, 3), (10, 20, 30), np.uint8))).decode()
    _, answer = _ask(server, "/api/models/swap%20per", {"image": image})
    assert _read(base64.b64decode(answer["picture"]))[0, 0].tolist() == [30, 20, 10]
    _, answer = _ask(server, "/api/models/swap%20per", {"image": image, "label": 2})
    assert _read(base64.b64decode(answer["picture"]))[0, 0].tolist() == [10, 20, 30]


def test_a_sheet_gives_its_colours(server):
    sheet = np.full((60, 60, 3), 255, np.uint8)
    sheet[:30], sheet[30:, :20] = (224, 128, 176), (48, 48, 74)
    _, answer = _ask(server, "/api/palette", _png(sheet))
    assert answer["colours"] == ["#e080b0", "#ffffff", "#30304a"]


@pytest.fixture(scope="module")
def hero():
    """A character's coloured sheet, and its page in another pose with its true colours."""
    from ganime_tf.colouring.examples import HELD_OUT, draw_flat, pose
    from ganime_tf.colouring.ink import compose, extract_ink
    from ganime_tf.toy import sample_scene

    scene = sample_scene(HELD_OUT, 26)
    sheet, drawing = draw_flat(pose(scene, 0), 384), draw_flat(pose(scene, 2), 384)
    return compose(extract_ink(sheet.lineart), sheet.flat), drawing


def test_a_sheet_places_its_dabs_on_the_page(server, hero):
    sheet, drawing = hero
    _, opened = _ask(server, "/api/pages", _png(drawing.lineart))
    path = f"/api/pages/{opened['id']}"
    body = {"sheet": base64.b64encode(_png(sheet)).decode()}
    status, placed = _ask(server, f"{path}/sheet", body)
    assert status == 200 and placed["size"] == opened["view"] and len(placed["points"]) > 5
    truth = np.array([drawing.flat[p["y"], p["x"]] for p in placed["points"]], float)
    given = [[int(p["color"][k : k + 2], 16) for k in (1, 3, 5)] for p in placed["points"]]
    assert (np.abs(truth - given).max(-1) < 40).mean() > 0.6
    # The command's dabs are the same.
    expected = Sheet(sheet).dabs(Page(drawing.lineart, area=96))
    assert placed["points"] == expected
    # Where a person has dabbed, none is placed.
    x, y = (placed["points"][0][key] for key in "xy")
    own = {"points": [{"x": x, "y": y, "color": "#00ff00"}]}
    _, fewer = _ask(server, f"{path}/sheet", body | {"hints": own})
    assert len(fewer["points"]) < len(placed["points"])
    coloured = _read(_ask(server, f"{path}/preview", {"hints": fewer, "paper": True})[1])
    assert np.ptp(coloured, axis=-1).mean() > 20  # it has colours now
    # In one request, own dabs first and what is unsure left as paper.
    page = base64.b64encode(_png(drawing.lineart)).decode()
    status, answer = _ask(server, "/api/color", {"page": page, "hints": own, "size": 96, **body})
    assert status == 200 and answer["hints"] == fewer
    red, green, blue = _read(base64.b64decode(answer["picture"]))[y, x].tolist()
    assert green > 3 * max(red, blue)  # ink may lie on it


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({}, 400, "'sheet' is missing"),
        ({"sheet": "?"}, 400, "base64"),
        ({"sheet": base64.b64encode(b"no picture").decode()}, 400, "not a picture"),
        ({"sheet": base64.b64encode(_png(_lineart() // 255 * 255)).decode()}, 200, ""),
        ({"sheet": base64.b64encode(_png(np.zeros((700, 700), np.uint8))).decode()}, 413, "pixels"),
    ],
)
def test_sheets_that_cannot_be_used_are_told(server, page, body, status, message):
    got, answer = _ask(server, f"{page}/sheet", body)
    assert got == status and message in answer.get("error", "")


def test_unused_pages_are_forgotten_when_memory_is_short():
    limits = Limits(max_kept_bytes=130_000_000)  # two pages
    with _serving(limits, area=64) as server:
        names = [_ask(server, "/api/pages", _png(_lineart()))[1]["id"] for _ in range(2)]
        assert _ask(server, f"/api/pages/{names[0]}/lineart")[0] == 200  # used last
        _ask(server, "/api/pages", _png(_lineart()))
        status = [_ask(server, f"/api/pages/{name}/lineart")[0] for name in names]
        assert status == [200, 404] and len(server.pages) == 2


def test_visitors_at_the_same_time_get_their_own_pages(server):
    colours, results = ["#ff0000", "#00ff00", "#0000ff"], {}

    def visit(colour):
        _, opened = _ask(server, "/api/pages", _png(_lineart()))
        for _ in range(3):
            body = {"hints": {"points": [{"x": 120, "y": 120, "color": colour}]}}
            _, content = _ask(server, f"/api/pages/{opened['id']}/preview", body)
            results.setdefault(colour, set()).add(tuple(_read(content)[120, 120].tolist()))

    threads = [threading.Thread(target=visit, args=(colour,)) for colour in colours]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {
        "#ff0000": {(255, 0, 0)},
        "#00ff00": {(0, 255, 0)},
        "#0000ff": {(0, 0, 255)},
    }


def test_what_takes_too_long_and_what_comes_too_often_is_sent_away():
    class Slow(Swapper):
        def call_use(self, name, tensors):
            time.sleep(0.6)
            return tensors["image"]

    limits = Limits(max_seconds=0.3, max_at_once=1, max_waiting=1)
    image = base64.b64encode(_png(_lineart(32))).decode()
    with _serving(limits, models={"slow": Slow()}) as server:
        found = []
        threads = [
            threading.Thread(
                target=lambda: found.append(_ask(server, "/api/models/slow", {"image": image})[0])
            )
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(found) == [503, 503, 504, 504]


def test_a_body_of_no_length_and_a_body_too_long_are_refused_before_they_are_read(server):
    for headers, status in (
        (b"Transfer-Encoding: chunked", b"411"),
        (b"Content-Length: 99999999999", b"413"),
        (b"Content-Length: 9999999\r\nExpect: 100-continue", b"413"),
        (b"Content-Length: -5", b"411"),
    ):
        with socket.create_connection(server.server_address[:2], timeout=10) as connection:
            connection.sendall(b"POST /api/pages HTTP/1.1\r\nHost: localhost\r\n")
            connection.sendall(headers + b"\r\n\r\n")
            assert connection.recv(4096).split()[1] == status


def test_too_many_connections_are_closed_and_others_served():
    with _serving(Limits(max_connections=2)) as server:
        kept = [socket.create_connection(server.server_address[:2]) for _ in range(2)]
        time.sleep(0.2)
        with socket.create_connection(server.server_address[:2], timeout=5) as third:
            with contextlib.suppress(ConnectionError):
                assert third.recv(10) == b""
        for connection in kept:
            connection.close()
        time.sleep(0.2)
        assert _ask(server, "/api")[0] == 200


def test_a_taken_port_is_one_line(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["serve", "--port", str(taken.getsockname()[1])]) == 2
    error = capsys.readouterr().err
    assert "--port" in error and error.count("\n") == 1


def test_serving_starts_without_tensorflow():
    program = "import sys, ganime_tf.serving.server; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
