"""Open parameters, from a spec to a verdict: more values than can be enumerated."""

from verify import api
from verify.base.verdict import Verdict
from verify.cli.main import main

SPEC = """
protocol watch
machine Watched {
    parameter period : duration 10ms..10s
    parameter wait   : duration 10ms..30s
    timer beat
    timer patience
    initial state Calm {
        on startup { start beat for period; start patience for wait }
        on timeout beat { start beat for period; start patience for wait }
        on timeout patience { goto Alarmed }
    }
    state Alarmed { }
}
"""

CHECKS = """
use "watch.model"
scenario fine {
    tick 10ms
    w : Watched { period = any duration 10ms..10s; wait = any duration 10ms..30s }
    startup of w at 0s
    assume w.wait > w.period
}
scenario tight extends fine { without assume; assume w.wait >= w.period }
property calm : never w is Alarmed
check fine { calm expect proved because "the beat comes before" }
check tight { calm expect violated because "a tie may go either way" }
"""


def written(folder):
    (folder / "watch.model").write_text(SPEC)
    path = folder / "watch.spec"
    path.write_text(CHECKS)
    return path


def test_open_parameters_are_left_to_the_solvers(tmp_path):
    how = api.How(api.Engine.SYMBOLIC)
    proved, violated = api.check(api.load(written(tmp_path)), how=how, limits=api.Limits(120))
    assert proved.verdict is Verdict.PROVED
    assert "for all values of the open parameters" in proved.ruling.backing
    assert violated.verdict is Verdict.VIOLATED
    period, wait = (part.split(" = ")[1] for part in violated.values.split(", "))
    assert period == wait


def test_certificates_are_written_and_accepted(tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["check", str(written(tmp_path)), "--engine", "symbolic", "--out", str(out), "-q"]) == 0
    (folder,) = out.glob("*.certificate")
    capsys.readouterr()
    assert main(["certify", str(folder)]) == 0
    assert "calm is PROVED in fine for all values of its parameters" in capsys.readouterr().out
    assert main(["certify", str(out / "nothing.certificate")]) == 2
    assert "there is no such file or folder" in capsys.readouterr().err
