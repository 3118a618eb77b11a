"""Many tables: each becomes one of its own, those that are done are not done again."""

import os

import pytest

import preprocess
import recore.many
import recore.tables
from preprocess import Settings
from tests.conftest import channels_of, make_table, step, write
from tests.tables import FILES, ROWS, contents, do, needs_parquet, said_by, split, with_records


def test_each_table_becomes_what_it_becomes_alone_whatever_the_processes(long_table, tmp_path):
    folder = split(long_table, tmp_path / "spectra")
    do("preprocess", "--input", folder, "--output", tmp_path / "1")
    result = step("preprocess", "--input", folder, "--output", tmp_path / "3", "--jobs", "3")
    assert result.returncode == 0, result.stderr
    each = "240 spectra, %d features each" % -(-len(channels_of(long_table)) // 7)
    assert each + " in 4 tables" in result.stderr
    assert contents(tmp_path / "1") == contents(tmp_path / "3")
    for k in range(FILES):
        alone = tmp_path / "alone.csv"
        do("preprocess", "--input", folder / ("part-%d.csv.gz" % k), "--output", alone)
        assert alone.read_bytes() == (tmp_path / "1" / ("part-%d.csv" % k)).read_bytes()


def test_tables_that_are_done_are_not_done_again_and_changed_ones_are(long_table, tmp_path, caplog):
    folder, out = split(long_table, tmp_path / "spectra", ".csv"), tmp_path / "out"
    arguments = "--input", folder, "--output", out
    do("preprocess", *arguments)
    (out / "part-1.csv").unlink()
    write(long_table[60:90], folder / "part-2.csv")
    written = {path.name: path.stat().st_ctime_ns for path in out.iterdir()}
    caplog.set_level("INFO")
    do("preprocess", *arguments)
    assert "90 spectra" in caplog.text and "in 2 tables, 2 done before" in caplog.text
    again = [path.name for path in sorted(out.iterdir()) if written.get(path.name) != path.stat().st_ctime_ns]
    assert set(again) == with_records(["part-1.csv", "part-2.csv"])
    assert len((out / "part-2.csv").read_text().splitlines()) == 31


def test_a_table_that_is_replaced_while_it_is_read_is_not_taken_as_done(long_table, tmp_path, monkeypatch):
    path, out = write(long_table, tmp_path / "a.csv"), tmp_path / "out.csv"
    read = preprocess.read_tables

    def replaced_meanwhile(*arguments, **options):
        yield from read(*arguments, **options)
        write(long_table[:10], path)
        os.utime(str(path))

    monkeypatch.setattr(preprocess, "read_tables", replaced_meanwhile)
    assert recore.many.preprocess_shard((str(path), str(out)))[1] == ROWS
    monkeypatch.setattr(preprocess, "read_tables", read)
    assert recore.many.preprocess_shard((str(path), str(out)))[1] == 10


def test_the_format_of_the_features_is_the_input_s_or_the_one_asked_for(long_table, tmp_path):
    needs_parquet()
    folder = split(long_table, tmp_path / "spectra", ".parquet")
    do("preprocess", "--input", folder, "--output", tmp_path / "same")
    do("preprocess", "--input", folder, "--output", tmp_path / "csv", "--format", "csv")
    for name in ("parquet", "csv"):
        expected = with_records("part-%d.%s" % (k, name) for k in range(FILES))
        assert set(contents(tmp_path / ("same" if name == "parquet" else name))) == expected


@pytest.mark.parametrize(
    "output, message",
    [
        ("one.csv", "expected a folder"),
        ("one.csv.gz", "expected a name in .csv"),
        ("spectra", "found spectra there"),
    ],
)
def test_an_output_that_cannot_be_is_refused_before_any_work(long_table, tmp_path, output, message):
    folder = split(long_table, tmp_path / "spectra", ".csv")
    before = contents(folder)
    assert message in said_by("preprocess", "--input", folder, "--output", tmp_path / output)
    assert contents(folder) == before and [path.name for path in tmp_path.iterdir()] == ["spectra"]


def test_tables_of_other_channels_are_named(long_table, tmp_path):
    folder = split(long_table, tmp_path / "spectra", ".csv")
    write(make_table(rows=5, channels=350), folder / "part-2.csv")
    for _ in range(2):  # also when all are done
        said = said_by("preprocess", "--input", folder, "--output", tmp_path / "out")
        assert "part-2.csv: found 350 channels" in said and "the first table's 340 channels" in said


def test_what_was_made_in_another_way_is_made_again_and_what_has_other_times_is_not(
    long_table, tmp_path, monkeypatch
):
    path, out = write(long_table[:10], tmp_path / "a.csv"), tmp_path / "out" / "a.csv"
    work = str(path), str(out)
    assert recore.many.preprocess_shard(work)[1] == 10
    os.utime(str(path), (1, 1))
    os.utime(str(out), (0, 0))
    assert recore.many.preprocess_shard(work)[1] is None
    assert recore.many.preprocess_shard(work, settings=Settings(window=5))[1] == 10
    assert recore.many.preprocess_shard(work)[1] == 10
    monkeypatch.setattr(recore.tables, "__version__", "0.9.0")
    assert recore.many.preprocess_shard(work)[1] == 10
    assert recore.many.preprocess_shard(work)[1] is None
    for damaged in ("", "[]", "{}", "null", '{"features": 3'):
        (out.parent / ".a.csv.json").write_text(damaged)
        assert recore.many.preprocess_shard(work)[1] == 10


def test_an_output_that_another_command_wrote_over_is_not_taken_as_done(long_table, tmp_path):
    folder, out = split(long_table, tmp_path / "spectra", ".csv"), tmp_path / "out"
    do("preprocess", "--input", folder, "--output", out)
    first = (out / "part-0.csv").read_bytes()
    do("preprocess", "--input", folder / "part-1.csv", "--output", out / "part-0.csv")
    do("preprocess", "--input", folder, "--output", out)
    assert (out / "part-0.csv").read_bytes() == first


def test_an_output_whose_record_could_not_be_written_is_not_taken_for_that_of_the_record_before(
    long_table, tmp_path, monkeypatch
):
    path, out = write(long_table[:10], tmp_path / "a.csv"), tmp_path / "out.csv"
    work = str(path), str(out)
    recore.many.preprocess_shard(work)
    before, first = path.read_bytes(), out.read_bytes()
    write(long_table[10:30], path)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(recore.many.json, "dump", killed)
        with pytest.raises(KeyboardInterrupt):
            recore.many.preprocess_shard(work)
    path.write_bytes(before)
    recore.many.preprocess_shard(work)
    assert out.read_bytes() == first
