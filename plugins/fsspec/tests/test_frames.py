"""Libraries that read tables: what they want is fetched, and little else."""

import io
import random
import re
from pathlib import Path

import pytest

CSV = "downspout://koodrive:/Reports/2025/table.csv"
README = Path(__file__).parent.parent / "README.md"
LARGE = "downspout://koodrive:/large.bin"


def test_pandas_reads_a_table(configured):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    table = pandas.read_csv(CSV)
    assert list(table.columns) == ["month", "row", "value"]
    assert len(table) == 100


def test_the_readmes_program_runs(configured):
    pytest.importorskip("pandas", reason="pandas is not installed")
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    found = {}
    exec(code, found)
    assert len(found["sales"]) == 100


def test_pandas_reads_the_head_of_a_table_without_fetching_the_rest(configured, served):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    data = b"a,b\r\n" + b"".join(b"%d,%d\r\n" % (number, number * 7) for number in range(500_000))
    configured.change("large", data)
    table = pandas.read_csv(LARGE, nrows=1000, storage_options={"block_size": 2**16})
    assert table["b"].sum() == 7 * 499_500
    assert served.bytes(len(data)) < len(data) / 10


def parquet(columns=8, rows=200_000):
    """Return a Parquet file of random numbers, and the sum of its column `c3`."""
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    files = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    noise = random.Random("columns")
    values = {f"c{number}": [noise.random() for _ in range(rows)] for number in range(columns)}
    file = io.BytesIO()
    files.write_table(pyarrow.table(values), file, row_group_size=50_000, use_dictionary=False)
    return file.getvalue(), sum(values["c3"])


def test_pyarrow_reads_a_column_by_its_ranges(fs, sandbox, served):
    data, total = parquet()
    from pyarrow.parquet import read_table

    sandbox.change("large", data)
    found = read_table("koodrive:/large.bin", columns=["c3"], filesystem=small_blocks(fs))
    assert sum(found["c3"].to_pylist()) == pytest.approx(total)
    assert served.bytes(len(data)) < len(data) / 3
    assert None not in served.ranges()


def small_blocks(fs):
    from downspout_fsspec import DownspoutFileSystem

    return DownspoutFileSystem(client=fs.client, block_size=2**16)


def test_pandas_reads_parquet_with_a_filter_of_columns(configured, served):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    data, total = parquet(rows=50_000)
    configured.change("large", data)
    options = {"block_size": 2**16}
    found = pandas.read_parquet(LARGE, columns=["c3"], storage_options=options)
    assert found["c3"].sum() == pytest.approx(total)
    assert served.bytes(len(data)) < len(data) / 2


def test_dask_reads_a_folder_of_tables(configured):
    from dask import dataframe

    table = dataframe.read_csv("downspout://koodrive:/Reports/2025/*.csv")
    assert len(table.compute(scheduler="threads", num_workers=2)) == 100
