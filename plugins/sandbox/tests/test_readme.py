import pathlib
import re

import pytest
from click.testing import CliRunner

from downspout_sandbox.cli import main

README = (pathlib.Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("service", ["", "koodrive", "esignon", "oracle"])
def test_the_readme_shows_every_switch_as_it_is(service):
    table = CliRunner().invoke(main, ["switches", "--service", service]).output
    assert len(table.splitlines()) > 5
    assert table in README, f"Paste what `downspout-sandbox switches --service {service}` prints into README.md."


def test_the_readmes_python_runs():
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    found: dict[str, object] = {}
    exec(code, found)
    assert found["environment"]["DOWNSPOUT_KOODRIVE_ENDPOINT"].startswith("http://127.0.0.1:")
