"""train.py behind the platform's own model server: answers in every form, batches, and the server's faults."""

import io
import os
import shutil
import signal
import threading
import time
from http.client import HTTPException

import numpy as np
import pytest

import preprocess
import recore.predictions
import train
from tests.conftest import channels_of, make_table
from tests.tools.container.bodies import answered, expected_text, strict_json
from tests.tools.container.conftest import model_server
from tools.shipped import ROOT, lay

pytestmark = pytest.mark.server


def from_csv(answer):
    return [[float(cell) for cell in line.split(",")] for line in answer.decode().splitlines()]


def from_json_lines(answer):
    lines = [strict_json(line) for line in answer.decode().splitlines()]
    assert [line["index"] for line in lines] == list(range(len(lines)))
    assert {line["verdict"] for line in lines} <= {"inside", "extrapolating", "unlike"}
    targets = [line["targets"].values() for line in lines]
    assert all(each["lower"] <= each["value"] <= each["upper"] for row in targets for each in row)
    return [[each["value"] for each in row] for row in targets]


def from_npy(answer):
    return np.load(io.BytesIO(answer), allow_pickle=False).tolist()


@pytest.mark.parametrize(
    "accept, kind, read",
    [
        ("text/csv", "text/csv", from_csv),
        ("text/csv; charset=utf-8", "text/csv", from_csv),
        ("text/*", "text/csv", from_csv),
        ("application/json", "application/json", strict_json),
        ("*/*", "application/json", strict_json),
        (None, "application/json", strict_json),
        ("", "application/json", strict_json),
        ("image/png, */*;q=0.1", "application/json", strict_json),
        ("application/json;q=0.5, text/csv;q=0.9", "application/json", strict_json),
        ("application/jsonlines", "application/jsonlines", from_json_lines),
        ("application/x-npy", "application/x-npy", from_npy),
    ],
)
def test_every_way_to_ask_for_an_answer_gives_the_same_numbers(accept, kind, read, server, model, table):
    status, found, answer = server.post(table.to_csv(), "text/csv", accept)
    assert (status, found.split(";")[0]) == (200, kind)
    np.testing.assert_allclose(read(answer), recore.predictions.predict(table, model), rtol=10.0 ** (1 - 14))


def test_an_answer_that_cannot_be_given_is_refused(server, table):
    status, _, answer = server.post(table.to_csv(), "text/csv", "image/png")
    assert status == 406 and b"expected application/json or text/csv" in answer


def test_batch_size_row_order_and_worker_count_never_change_a_prediction(server, folder, model, table):
    header, *rows = table.to_csv().splitlines(True)
    whole = answered(server, header + "".join(rows), "text/csv").splitlines(True)
    assert b"".join(whole) == expected_text(model, table.to_numpy())
    for size in (1, 2, 7):
        parts = [answered(server, "".join(rows[at : at + size]), "text/csv") for at in range(0, 40, size)]
        assert b"".join(parts) == b"".join(whole)
    assert answered(server, "".join(rows[::-1]), "text/csv").splitlines(True) == whole[::-1]
    with model_server(folder / "code", folder / "model", workers=1) as alone:
        assert answered(alone, header + "".join(rows), "text/csv") == b"".join(whole)


def test_fifty_thousand_rows_in_one_request(server, model, table):
    rows = table.to_csv(header=False).splitlines(True)
    answer = answered(server, "".join(rows * 1250), "text/csv")
    assert answer == expected_text(model, table.to_numpy()) * 1250


def test_a_header_line_by_itself_is_no_row(server, table):
    assert answered(server, table.to_csv().splitlines(True)[0], "text/csv") == b""


@pytest.mark.parametrize(
    "content_type", ["application/x-pickle", "text/plain", "", "image/png; q=1", "text/csv/x"]
)
def test_an_unknown_content_type_is_told(content_type, server):
    if content_type:
        status, _, answer = server.post(b"1,2", content_type)
        assert status == 400 and b"found content type" in answer


def test_a_damaged_model_is_refused_and_ping_says_so(folder, tmp_path):
    shutil.copytree(folder / "model", tmp_path / "model")
    pickled = bytearray((tmp_path / "model" / "model.pkl").read_bytes())
    pickled[len(pickled) // 2] ^= 1
    (tmp_path / "model" / "model.pkl").write_bytes(bytes(pickled))
    with model_server(folder / "code", tmp_path / "model", workers=1) as running:
        assert running.ping() == 500 and running.post(b"1", "text/csv")[0] == 500
        assert "found sha256" in running.log.read_text()


def test_the_servers_own_fault_is_not_the_clients(folder, tmp_path, table):
    shutil.copytree(folder / "code", tmp_path / "code")
    with open(tmp_path / "code" / "train.py", "a") as file:
        file.write("\n\ndef predict(table, model):\n    raise RuntimeError('out of order')\n")
    with model_server(tmp_path / "code", folder / "model", workers=1) as running:
        assert running.ping() == 200
        assert running.post(table.to_csv(), "text/csv")[0] == 500
        assert running.post("x", "text/csv")[0] == 400


def test_the_server_survives_a_worker_killed_while_it_answers(folder, model, table):
    header, *rows = table.to_csv().splitlines(True)
    outcome = []

    def ask(running):
        try:
            outcome.append(running.post((header + "".join(rows * 1500)).encode(), "text/csv")[0])
        except (HTTPException, OSError) as error:
            outcome.append(error)

    with model_server(folder / "code", folder / "model", workers=1) as running:
        assert running.ping() == 200
        (victim,) = running.worker_pids()
        asking = threading.Thread(target=ask, args=(running,))
        asking.start()
        time.sleep(0.5)
        assert not outcome, "it answered too fast to be killed meanwhile"
        os.kill(victim, signal.SIGKILL)
        asking.join()
        assert isinstance(outcome[0], Exception)
        assert answered(running, header + "".join(rows), "text/csv") == expected_text(model, table.to_numpy())
        assert running.ping() == 200 and running.worker_pids() != [victim]


# --- its own installation ---

WITHOUT_THE_PACKAGE = (
    "from setuptools import setup; setup(name='train', py_modules=['preprocess', 'train', 'mdl'])"
)


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "without the package"])
def test_the_servers_own_installation_serves_also_where_it_leaves_the_package_out(
    whole, folder, model, table, tmp_path
):
    code = lay(tmp_path / "code")
    if not whole:  # in place of the one that the platform writes where there is none
        (code / "setup.py").write_text(WITHOUT_THE_PACKAGE)
    with model_server(code, folder / "model", workers=1, installs=True) as running:
        assert (running.site_packages / "train.py").read_bytes() == (ROOT / "train.py").read_bytes()
        assert (running.site_packages / "recore").is_dir() is whole
        assert answered(running, table.to_csv(), "text/csv") == expected_text(model, table.to_numpy())


def test_a_model_of_other_settings_is_served_and_features_of_the_challenges_are_refused(
    folder, tmp_path, table
):
    settings = preprocess.Settings("0:-300", 5, "both")
    spectra = make_table()
    made = preprocess.features(spectra[channels_of(spectra)], settings)
    asked = [f"--{name}={value}" for name, value in settings._asdict().items()]
    train.main([str(folder / "public.csv.gz"), "--model", str(tmp_path / "model"), *asked])
    own = train.model_fn(str(tmp_path / "model"))
    with model_server(folder / "code", tmp_path / "model", workers=1) as other:
        expected = expected_text(own, made.to_numpy())
        assert answered(other, made.to_csv(), "text/csv") == expected
        assert answered(other, made.to_csv(header=False, index=False), "text/csv") == expected
        status, _, answer = other.post(table.to_csv(), "text/csv", "text/csv")
        assert (
            status == 400
            and b"found features of other settings" in answer
            and b"window=5 treatment=both" in answer
        )
