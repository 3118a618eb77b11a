"""tools/page: what is dropped is answered as predict.py and tools.convert answer it, and what cannot be read is named."""

import io
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from tests.conftest import REAL
from tests.tools.convert.test_made_files import asp, jcamp, spc
from tests.tools.page.conftest import bytes_of, spectra_of, table_of, workbook
from tools.convert import __main__ as convert
from tools.page import answers
from tools.page.asked import Asked
from tools.page.drop import plain_name

NEW = table_of(6, seed=7)
Y = spectra_of(NEW)
SCANS = [("a.spc", spc(Y[0])), ("b.jdx", jcamp(Y[1])), ("c.asp", asp(Y[2])), ("a2.spc", spc(Y[3]))]


def test_a_table_is_answered_to_the_byte_as_by_predict(ask, by_predict, tmp_path):
    (tmp_path / "new.csv").write_bytes(bytes_of(NEW))
    found = ask(("new.csv", bytes_of(NEW)), coverage=0.8, digits=5)
    (answer,) = found.answers
    assert answer.csv == by_predict(tmp_path / "new.csv", "--coverage", "0.8", "--digits", "5")
    assert found.refused == [] and answer.name == "new.csv"


def test_the_frame_holds_the_numbers_of_the_table_for_people(ask):
    (answer,) = ask(("new.csv", bytes_of(NEW))).answers
    lines = [line.split(",") for line in answer.csv.decode().splitlines()]
    assert list(answer.frame) == ["index", *lines[0][1:]]
    shown = [
        [each if isinstance(each, str) else f"{each:.15g}" for each in row] for row in answer.frame.to_numpy()
    ]
    assert shown == lines[1:]


def test_instrument_files_of_three_kinds_are_answered_as_by_convert_and_predict(
    ask, by_predict, tmp_path, capsys
):
    scans = tmp_path / "scans"
    scans.mkdir()
    for name, data in SCANS:
        (scans / name).write_bytes(data)
    convert.main([str(scans), "--output", str(tmp_path / "new.csv"), "--quantity", "absorbance"])
    found = ask(*SCANS, quantity="absorbance")
    assert found.refused == []
    (answer,) = found.answers
    assert len(answer.predictions) == len(SCANS) and answer.csv == by_predict(tmp_path / "new.csv")


def test_a_broken_file_is_named_in_one_line_and_the_others_are_answered(ask):
    good = ask(*SCANS, quantity="absorbance").answers[0].csv
    broken = [
        ("cut.spc", spc(Y[0])[:-40]),
        ("empty.jdx", b""),
        ("noise.0", b"\x0a\x0a\xfe\xfe" + bytes(range(256))),
    ]
    bad = pd.DataFrame({**NEW}).astype(object)
    bad.iloc[1, 5] = "n.d."
    found = ask(
        *broken, *SCANS, ("bad.csv", bytes_of(bad)), ("new.csv", bytes_of(NEW)), quantity="absorbance"
    )
    table, scans = found.answers
    assert scans.csv == good and len(table.predictions) == len(NEW)
    refused = dict(found.refused)
    assert set(refused) == {"cut.spc", "empty.jdx", "noise.0", "bad.csv"}
    assert "is empty" in refused["empty.jdx"] and "'n.d.'" in refused["bad.csv"]
    assert all("\n" not in reason and "/" not in reason for reason in refused.values()), refused


def test_a_workbook_and_text_in_another_dialect_become_the_table(ask):
    (plain,) = ask(("new.csv", bytes_of(NEW))).answers
    sheet = workbook(NEW.assign(sample=[f"s{k}" for k in range(len(NEW))]).set_index("sample").reset_index())
    text = NEW.to_csv(sep=";", decimal=",").encode("utf-16")
    found = ask(("new.xlsx", sheet), ("new.txt", text))
    assert found.refused == []
    for answer in found.answers:
        np.testing.assert_array_equal(answer.predictions, plain.predictions)
    assert list(found.answers[0].frame["index"]) == [f"s{k}" for k in range(len(NEW))]
    assert "workbook" in found.answers[0].said[0] and "semicolons" in found.answers[1].said[0]


def test_other_channels_are_refused_and_interpolated_where_it_is_asked_for(ask, by_predict, tmp_path):
    fine = np.linspace(4010, 590, 900)
    shown = [name for name in NEW if name[0].isdigit()]
    axis = np.array(shown, dtype=float)[::-1]
    spectra = np.array([np.interp(fine, axis, row[::-1]) for row in Y])
    other = pd.DataFrame(spectra, columns=[f"{x:.4f}" for x in fine])
    other.to_csv(tmp_path / "fine.csv")
    files = [("fine.csv", bytes_of(other)), ("new.csv", bytes_of(NEW))]
    found = ask(*files)
    ((name, reason),) = found.refused
    assert name == "fine.csv" and "found 900 channels" in reason and "“Interpolate”" in reason
    assert [answer.name for answer in found.answers] == ["new.csv"]
    fine, _ = ask(*files, resample=True).answers
    assert fine.csv == by_predict(tmp_path / "fine.csv", "--resample")
    assert any(line.startswith("fine.csv: interpolated") for line in fine.said)


def test_scans_of_the_quantity_that_few_have_are_named_and_converted_where_it_is_asked_for(ask):
    share = ("r.jdx", jcamp(10 ** -Y[4], y_units="REFLECTANCE"))
    found = ask(*SCANS[:2], share)
    assert [name for name, _ in found.refused] == ["r.jdx"] and len(found.answers[0].predictions) == 2
    assert (
        "it measures reflectance, of files that measure 2 absorbance and 1 reflectance" in found.refused[0][1]
    )
    (answer,) = ask(*SCANS[:2], share, absorbance=True).answers
    as_absorbance = ask(("r.jdx", jcamp(Y[4]))).answers[0].predictions
    np.testing.assert_allclose(answer.predictions[2], as_absorbance[0], rtol=1e-3)
    tie = ask(SCANS[0], share)
    assert tie.answers == [] and len(tie.refused) == 2


def test_a_file_that_does_not_say_what_it_measures_waits_for_a_word(ask):
    found = ask(*SCANS)
    assert found.refused == [
        ("c.asp", "it does not say what it measures; choose under Options what they measure")
    ]
    assert len(found.answers[0].predictions) == 3


def test_files_of_one_name_and_archives_are_named_and_the_same_file_twice_is_answered_once(ask):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.spc", SCANS[0][1])
    found = ask(SCANS[0], SCANS[0], ("a.spc", spc(Y[5])), ("all.zip", buffer.getvalue()))
    assert len(found.answers[0].predictions) == 1
    assert found.refused == [
        ("a.spc", "the same file was dropped twice, and is answered once"),
        ("a.spc", "it is the second of this name; rename one"),
        ("all.zip", "it is a zip archive; drop the files that are in it"),
    ]


def test_more_spectra_than_the_page_shows_are_refused(ask, monkeypatch):
    monkeypatch.setattr(answers, "PEOPLE", 5)
    found = ask(("new.csv", bytes_of(NEW)))
    assert found.answers == [] and "found more than 5 spectra" in found.refused[0][1]


@pytest.mark.parametrize(
    "name", ["../../etc/new.csv", "C:\\data\\new.csv", ".new.csv", "n*w[1].csv", "a\n.csv"]
)
def test_names_lead_nowhere(ask, name):
    (answer,) = ask((name, bytes_of(NEW))).answers
    assert answer.name == plain_name(name) and not {*answer.name} & set("/\\*[\n") and answer.name[0] != "."


def test_nothing_is_kept_on_disk(ask, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    found = ask(("new.csv", bytes_of(NEW)), ("new.xlsx", workbook(NEW)), ("broken.csv", b"a,b\n"), *SCANS)
    assert len(found.answers) == 3 and list(tmp_path.iterdir()) == []


def test_several_people_at_a_time_get_their_own_answers_and_words(ask):
    shapes = {
        "turned.csv": NEW[[*[name for name in NEW if name[0].isdigit()][::-1]]],
        "new.csv": NEW,
        "other.csv": table_of(8, seed=3),
    }
    alone = {name: ask((name, bytes_of(table))).answers[0] for name, table in shapes.items()}
    with ThreadPoolExecutor(6) as pool:
        together = list(
            pool.map(lambda name: (name, ask((name, bytes_of(shapes[name]))).answers[0]), [*shapes] * 4)
        )
    for name, answer in together:
        assert (answer.csv, answer.said) == (alone[name].csv, alone[name].said)
    assert len(alone["turned.csv"].said) == 1 and alone["new.csv"].said == []


def test_the_workbook_holds_what_the_csv_does(ask, described):
    (answer,) = ask(("new.csv", bytes_of(NEW))).answers
    data = answers.details(answer.table, answer.predictions, described[0], Asked(), ".xlsx")
    rows = list(openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows(values_only=True, min_row=2))
    frame = answer.frame
    assert [str(row[0]) for row in rows] == list(frame["index"])
    assert [row[list(frame).index("Ca")] for row in rows] == list(frame["Ca"])


@pytest.mark.skipif(not REAL.exists(), reason=f"the real spectra are not here: {REAL}")
def test_files_of_instruments_of_all_kinds_end_in_an_answer_or_in_one_line(ask):
    files = [
        (path.name, path.read_bytes())
        for path in sorted(Path(REAL / "raw_files").glob("*/*"))
        if path.is_file()
    ]
    found = ask(*files)
    assert found.answers == [] and found.refused
    assert all(reason and "\n" not in reason and "Traceback" not in reason for _, reason in found.refused)
