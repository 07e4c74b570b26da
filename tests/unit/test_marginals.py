"""`nasdsl marginals`: what people and programs read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nasdsl.cli import main

TEXT = """space s {
  input image: [3, 8, 8]
  x[0] = image
  for i in 1..=2 {
    choose op[i] in { skip, conv: conv_bn(k = 3) }
    x[i] = x[i-1] >> op[i]()
  }
  depth d in 1..=2
  pick ends in 1 of {0, 1}
  y[0] = x[d]
  y[1] = x[d] >> relu()
  task t = sum(y[e] for e in ends) >> conv(2, k = 1) { loss l1() }
}"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "s.nas"
    path.write_text(TEXT)
    return str(path)


def told(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_a_table_for_people(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Depth 1 has two architectures for each end, depth 2 has four."""
    assert main(["marginals", file]) == 0
    assert told(capsys) == [
        "of 12 architectures, exactly (–: dead)",
        "op[*] 1.67 of 2 live: skip 0.833 conv 0.833",
        "d 1 33.3 % 2 66.7 %",
        "ends {0} 50 % {1} 50 %",
    ]
    assert main(["marginals", file, "--only", "choices"]) == 0
    assert told(capsys)[1:] == ["op[1] skip 50 % conv 50 %", "op[2] skip 33.3 % conv 33.3 % – 33.3 %"]


def test_under_a_limit(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The convolution has 81 + 6 weights, the head 6 more: at most one convolution leaves 2 and 3 of each end."""
    assert main(["marginals", file, "--under", "params <= 100", "--only", "d", "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert body["exact"] is True
    assert body["of"] == {"lower": "10", "upper": "10"}
    assert [(row["value"], row["lower"], row["share"]) for row in body["decisions"]["d"]] == [
        (1, "4", [0.4, 0.4]),
        (2, "6", [0.6, 0.6]),
    ]
    assert main(["marginals", file, "--under", "params <= 100", "--only", "d", "--draws", "1000"]) == 0
    assert "of 1,000 uniform draws (standard error of a share: at most 1.6 %" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--only", "nothing"], 1, "no decision that `nothing` means"),
        (["--under", "params <= 1"], 1, "no architecture of `s` keeps the limits"),
        (["--under", "params"], 2, "expected one comparison"),
        (["--under", "latency <= 3 ms"], 2, "latency is that of a device"),
    ],
)
def test_mistakes(
    file: str, arguments: list[str], status: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["marginals", file, *arguments]) == status
    assert message in capsys.readouterr().err
