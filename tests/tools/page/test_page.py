"""python -m tools.page: what it refuses, how it serves, and the page itself where Streamlit is installed."""

import gzip
import http.client
import importlib.util
import io
import json
import re
import socket
import sys
import urllib.request
from contextlib import closing

import pytest

from preprocess import DataError
from tests.conftest import ROOT
from tests.tools.convert.test_made_files import jcamp
from tests.tools.page.conftest import bytes_of, spectra_of, table_of
from tools.demo_data import __main__ as demo_data
from tools.demo_data.files import NOT_MEASURED
from tools.page import __main__ as page
from tools.page import about
from tools.page.heard import plain

NEW = table_of(6, seed=7)
FORM = b'Content-Disposition: form-data; name="file"; filename="new.csv"'
APP = str(ROOT / "tools" / "page" / "app.py")
streamlit = pytest.mark.skipif(
    importlib.util.find_spec("streamlit") is None, reason="the page needs streamlit, which make page installs"
)


# --- the command ---


def test_a_mistake_is_told_in_one_line_before_any_page(tmp_path):
    with pytest.raises(DataError, match=r"run train\.py first") as error:
        page.main(["--model", str(tmp_path)])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "arguments, said",
    [(["--port", "0"], "--port: found 0"), (["--limit", "0"], "--limit: found 0, expected 1 MB")],
)
def test_numbers_out_of_range_are_refused(folder, arguments, said):
    with pytest.raises(DataError, match=said):
        page.main(["--model", str(folder), *arguments])


def test_a_port_that_is_taken_is_named():
    with socket.socket() as other:
        other.bind((page.HERE, 0))
        other.listen()
        with pytest.raises(DataError, match="expected a free one; name another"):
            page.check_port(other.getsockname()[1])


def test_without_streamlit_it_says_what_installs_it(folder, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataError, match="make page installs it"):
        page.main(["--model", str(folder)])


def test_streamlit_is_what_make_page_alone_installs():
    files = [*ROOT.glob("requirements*.txt"), *(ROOT / "tools").rglob("requirements*.txt")]
    asked = [path.relative_to(ROOT).as_posix() for path in files if "streamlit" in path.read_text()]
    assert len(files) > 3 and asked == ["tools/page/requirements.txt"]
    for line in (ROOT / "Makefile").read_text().splitlines():
        if "page-installed" in line or "tools/page/requirements.txt" in line:
            assert re.match(r"(page: |\.venv/page-installed: |\t\.venv/bin/python -m pip install )", line)


def test_the_model_is_named_with_its_file_and_its_sum(folder, described):
    told = about.told(str(folder), described[1])
    assert told == (
        f"Model {folder.name}: trained on soil.csv, 60 spectra, 2 targets; sha256 {described[1]['sha256'][:12]}"
    )
    assert not about.synthetic(described[1])


def test_a_model_of_the_demo_data_is_called_synthetic(tmp_path, monkeypatch):
    path = tmp_path / "data" / "public" / "public.csv.gz"
    demo_data.main(["--rows", "30", "--channels", "400", "--output", str(path), "--jobs", "1"])
    monkeypatch.setattr(about, "demo_file", lambda: str(path))
    assert about.synthetic({"training": {"sha256": about.file_sum(str(path))}})
    assert not about.synthetic({"training": {"sha256": "another"}})


def test_spectra_of_the_demo_data_are_called_synthetic(ask):
    buffer = io.BytesIO()
    with gzip.GzipFile(f"{NOT_MEASURED}.csv", "w", fileobj=buffer) as file:  # as tools.demo_data says it
        file.write(bytes_of(NEW))
    files = [("demo.csv.gz", buffer.getvalue()), ("new.csv", bytes_of(NEW))]
    assert [answer.synthetic for answer in ask(*files).answers] == [True, False]


# --- the page ---


@pytest.fixture
def visit(folder, monkeypatch, heard_again):
    """A function: somebody opens the page."""
    from streamlit.testing.v1 import AppTest

    monkeypatch.setattr(sys, "argv", ["app.py", str(folder)])
    return lambda: AppTest.from_file(APP, default_timeout=60).run()


@streamlit
def test_two_people_drop_files_and_each_sees_the_answer_to_theirs(visit, ask):
    other = table_of(4, seed=3)
    files = [
        [("new.csv", bytes_of(NEW), "text/csv"), ("broken.0", b"nothing", "")],
        [("other.csv", bytes_of(other), "text/csv"), ("a.jdx", jcamp(spectra_of(NEW)[0]), "")],
    ]
    tabs = [visit(), visit()]
    assert not any(tab.dataframe[1:] for tab in tabs)  # but for the model's own figures
    for tab, some in zip(tabs, files, strict=True):
        tab.file_uploader[0].set_value(some).run()
        assert not tab.exception
    one, two = tabs
    assert [each.value for each in one.subheader] == ["new\\.csv"]
    assert [each.value for each in two.subheader] == ["other\\.csv", "a\\.jdx"]
    assert [each.value for each in one.error] == ["**broken\\.0**: it is text without columns of numbers"]
    frame = ask(("new.csv", bytes_of(NEW))).answers[0].frame.set_index("index")
    shown = one.dataframe[1].value.set_index("index").loc[frame.index]
    assert list(shown["Ca"]) == list(frame["Ca"]) and list(shown["verdict"]) == list(frame["verdict"])


@streamlit
def test_options_are_asked_anew_of_the_same_files(visit, ask):
    tab = visit()
    tab.file_uploader[0].set_value([("new.csv", bytes_of(NEW), "text/csv")]).run()
    tab.slider[0].set_value(6).run()
    frame = ask(("new.csv", bytes_of(NEW)), digits=6).answers[0].frame.set_index("index")
    shown = tab.dataframe[1].value.set_index("index").loc[frame.index]
    assert list(shown["Ca lower"]) == list(frame["Ca lower"])


@streamlit
def test_without_a_mark_there_are_verdicts_and_without_a_file_no_answer(visit):
    tab = visit()
    tab.file_uploader[0].set_value([("new.csv", bytes_of(NEW), "text/csv")]).run()
    tab.button_group[0].set_value([]).run()
    assert not tab.exception and list(tab.dataframe[1].value)[-3:] == ["verdict", "leverage", "residual"]
    tab.file_uploader[0].set_value([]).run()
    assert not tab.exception and not tab.subheader and "found" not in tab.session_state


def test_names_of_files_are_no_markdown():
    assert plain("a_b *c* :red[d] $e$ <f>") == r"a\_b \*c\* \:red\[d\] \$e\$ \<f\>"


@streamlit
def test_a_model_that_is_damaged_while_the_page_stands_is_one_line(visit, tmp_path, monkeypatch):
    (tmp_path / "model.json").write_text(json.dumps({"format": 0}))
    monkeypatch.setattr(sys, "argv", ["app.py", str(tmp_path)])
    tab = visit()
    assert not tab.exception and len(tab.error) == 1 and not tab.get("file_uploader")


@streamlit
def test_the_server_listens_on_this_machine_alone_and_leaves_nothing_at_home(served):
    port, home = served
    for address, answers in ((page.HERE, True), ("127.0.0.2", False)):  # which 0.0.0.0 would answer as well
        with socket.socket() as probe:
            assert (probe.connect_ex((address, port)) == 0) == answers
    assert list(home.rglob(".streamlit")) == []


@streamlit
def test_a_page_of_another_site_that_is_led_here_by_name_is_refused(served):
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    def opened(name):
        """A connection as a browser makes it that takes a name for this machine's address."""
        line = socket.create_connection((page.HERE, served[0]))
        with line, connect(f"ws://{name}:{served[0]}/_stcore/stream", sock=line):
            pass

    opened("localhost")
    with pytest.raises(InvalidStatus, match="403"):
        opened("evil.example")


@streamlit
def test_the_server_refuses_a_file_above_its_limit_and_takes_one_below(served):
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
    from websockets.sync.client import connect

    host = f"{page.HERE}:{served[0]}"
    with urllib.request.urlopen(f"http://{host}/_stcore/health") as answer:
        cookie = answer.headers["Set-Cookie"].split(";")[0]
    hello = BackMsg()
    hello.rerun_script.query_string = ""
    with connect(f"ws://{host}/_stcore/stream", additional_headers={"Cookie": cookie}) as stream:
        stream.send(hello.SerializeToString())
        session = ForwardMsg.FromString(stream.recv(timeout=30)).new_session.initialize.session_id

        def status_of(size, sent=True):
            """The status of an upload as a browser sends it, or of its headers alone, as a refusal waits for no more."""
            body = b"\r\n".join([b"--x", FORM, b"", b"0" * size, b"--x--", b""])
            line = http.client.HTTPConnection(host, timeout=30)
            line.putrequest("PUT", f"/_stcore/upload_file/{session}/1")
            line.putheader("Content-Type", "multipart/form-data; boundary=x")
            line.putheader("Content-Length", len(body))
            line.putheader("Cookie", cookie)
            line.putheader("X-Xsrftoken", cookie.split("=", 1)[1])
            line.endheaders(body if sent else None)
            with closing(line):
                return line.getresponse().status

        assert (status_of(1 << 19), status_of(3 << 20, sent=False)) == (204, 413)
