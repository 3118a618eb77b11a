"""tools/page: what a dropped file is, by its bytes."""

import gzip
import zipfile

import pytest

from tests.tools.convert.test_made_files import asp, jcamp, peir, spc
from tests.tools.page.conftest import bytes_of, table_of, workbook
from tools.page.kinds import ARCHIVE, SCAN, SHEET, TABLE, kind_of, unpacked

NEW = table_of(3)
AXIS = [name for name in NEW if name[0].isdigit()]
TURNED = NEW[AXIS].T
TWO = TURNED[[0]]
PARQUET = b"PAR1" + b"\0" * 50


@pytest.mark.parametrize(
    "name, data, kind",
    [
        ("new.csv", bytes_of(NEW), TABLE),
        ("new.txt", bytes_of(NEW), TABLE),
        ("new.CSV.GZ", gzip.compress(bytes_of(NEW)), TABLE),
        ("new", PARQUET, TABLE),
        ("new.csv", NEW.to_csv(sep=";").encode(), SHEET),
        ("titled.csv", b"Our survey\n\n" + bytes_of(NEW), SHEET),
        ("new.csv", NEW.to_csv(sep="\t").encode("utf-16"), SHEET),
        ("turned.csv", bytes_of(TURNED.assign(d=1.0)), SHEET),
        ("new.xlsx", workbook(NEW), SHEET),
        ("cut.xlsx", workbook(NEW)[:3000], SHEET),
        ("one.csv", bytes_of(TWO), SCAN),
        ("one.csv", bytes_of(TWO.reset_index()), SCAN),
        ("empty.csv", b"", SCAN),
        *((f"a.{k}", made(), SCAN) for k, made in enumerate((asp, jcamp, peir, spc))),
    ],
)
def test_the_kind_is_told_by_the_bytes(name, data, kind):
    assert kind_of(name, data) == kind


def test_a_zip_is_a_workbook_or_an_archive_and_says_what_it_holds(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.spc", b"\0" * 5_000_000)
    assert kind_of("a.zip", path.read_bytes()) == ARCHIVE
    assert unpacked(path.read_bytes()) == 5_000_000 > 100 * path.stat().st_size
