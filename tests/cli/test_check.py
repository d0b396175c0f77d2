"""The command line as a user meets it: output, exit codes, files written, interruption."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from verify.cli.main import main

ROOT = Path(__file__).resolve().parents[2]

GOOD = """
use vrrp
scenario pair {
    tick 10ms
    r1 : Router { priority = 200; address = 2; interval = 100ms }
    r2 : Router { priority = 100; address = 1; interval = 100ms }
    segment lan joins r1.lan, r2.lan { delay 0ms..10ms; capacity 2 }
}
property never_two : never r1 is Active and r2 is Active
property late : whenever startup of r1 then r1 is Active within 310ms
property settles : eventually always r1 is Active
"""


def spec(folder, checks, name="a.spec", text=GOOD):
    path = folder / name
    path.write_text(text + f"check pair {{ {checks} }}\n", encoding="utf-8")
    return path


def run(*arguments, cwd=None, env=None):
    command = [sys.executable, "-m", "verify", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=120, check=False)


def test_all_as_expected_is_0(tmp_path, capsys):
    assert main(["check", str(spec(tmp_path, "never_two expect proved; late expect violated"))]) == 0
    out = capsys.readouterr().out
    assert "      scenario  property   found     expected  states\n" in out
    assert "  ok  pair      never_two  PROVED    PROVED        63\n" in out
    assert "late is VIOLATED (as expected)" in out
    assert "[rfc9568 6.4.1 (150) (155) (160) (165) (unverified)]" in out
    assert "too late now, and still not: r1 is Active" in out
    assert out.endswith("2 checks: 1 proved, 1 violated; all as expected\n")


def test_a_wrong_expectation_is_1(tmp_path, capsys):
    assert main(["check", str(spec(tmp_path, "never_two expect violated"))]) == 1
    assert "  !!  pair      never_two  PROVED  VIOLATED      63\n" in capsys.readouterr().out


def test_a_faulty_file_is_2_and_nothing_runs(tmp_path, capsys):
    good = spec(tmp_path, "never_two expect proved")
    bad = spec(tmp_path, "never_twoo expect proved", name="b.spec")
    assert main(["check", str(good), str(bad)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "no property 'never_twoo'" in captured.err
    assert "did you mean 'never_two'?" in captured.err
    assert captured.err.endswith("verify: 1 error; nothing was run\n")


@pytest.mark.parametrize(
    "arguments", [["check"], ["check", "nowhere"], ["chekc"], ["check", "x", "--max-states", "-1"]]
)
def test_a_faulty_command_line_is_2(arguments, tmp_path):
    ended = run(*arguments, cwd=tmp_path)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr


def test_only_what_is_named_is_checked(tmp_path, capsys):
    path = str(spec(tmp_path, "never_two expect proved; late expect violated"))
    assert main(["check", path, "--property", "never_two", "--scenario", "pair"]) == 0
    assert capsys.readouterr().out.endswith("1 check: 1 proved; all as expected\n")
    assert main(["check", path, "--property", "never_tow", "--scenario", "pear"]) == 2
    told = capsys.readouterr().err
    assert "no check asks about the property 'never_tow'\n  = help: did you mean 'never_two'?" in told
    assert "no check asks about the scenario 'pear'\n  = help: did you mean 'pair'?" in told
    other = str(spec(tmp_path, "late expect violated", name="b.spec", text=GOOD.replace("scenario pair", "scenario single extends pair { }\nscenario pair")))
    assert main(["check", path, other, "--property", "never_two"]) == 0
    assert "b.spec" not in capsys.readouterr().out


def test_a_scenario_that_is_not_asked_for_is_not_laid_out(tmp_path, capsys):
    faulty = GOOD + "scenario pear extends pair { r3 : Rooter { priority = 1 } }\ncheck pear { never_two expect proved }\n"
    path = str(spec(tmp_path, "never_two expect proved", text=faulty))
    assert main(["check", path, "--scenario", "pair"]) == 0
    assert main(["check", path]) == 2
    assert "Rooter" in capsys.readouterr().err
    assert main(["check", path, "--scenario", "pear"]) == 2
    assert "Rooter" in capsys.readouterr().err
    assert main(["check", path, "--scenario", "peer"]) == 2
    assert "no check asks about the scenario 'peer'\n  = help: did you mean 'pear'?" in capsys.readouterr().err


def test_a_folder_without_specs_is_2(tmp_path, capsys):
    assert main(["check", str(tmp_path)]) == 2
    assert "there is no spec in the folder" in capsys.readouterr().err


def test_undecided_where_a_verdict_was_expected_is_3(tmp_path, capsys):
    assert main(["check", str(spec(tmp_path, "never_two expect proved")), "--max-states", "10"]) == 3
    assert "UNDECIDED" in (out := capsys.readouterr().out)
    assert "limit of 10 states" in out


def test_strict_makes_warnings_errors(tmp_path, capsys):
    path = spec(tmp_path, "never_two")
    assert main(["check", str(path), "-q"]) == 0
    assert main(["check", str(path), "--strict"]) == 2
    assert "W101" in capsys.readouterr().err


def test_strict_makes_vacuous_proofs_failures(tmp_path, capsys):
    text = GOOD + "property idle : whenever r1 is down then r2 is Active within 0s\n"
    path = spec(
        tmp_path, "idle expect proved; never_two expect proved; late expect violated; settles expect proved", text=text
    )
    assert main(["check", str(path)]) == 0
    assert "vacuous: its premise never happens" in capsys.readouterr().out
    assert main(["check", str(path), "--strict"]) == 1


def test_json_has_a_version_and_only_json(tmp_path, capsys):
    assert main(["check", str(spec(tmp_path, "late expect violated")), "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert (whole["format"], whole["version"], whole["exit_code"]) == ("redundancy-verify results", 1, 0)
    (result,) = whole["results"]
    assert result["verdict"] == "violated"
    assert result["trace"]["ticks"] == 32 - 1 + 1
    assert result["trace"]["steps"] == result["trace"]["events"] + result["trace"]["ticks"]


def test_out_writes_a_trace_that_render_replays(tmp_path, capsys):
    folder = tmp_path / "out" / "traces"
    assert main(["check", str(spec(tmp_path, "late expect violated")), "--out", str(folder), "-q"]) == 0
    written, picture = sorted(folder.iterdir())
    assert written.name.endswith("a.pair.late.itf.json")
    assert picture.name.endswith("a.pair.late.svg")
    assert picture.read_text(encoding="utf-8").startswith("<?xml")
    trace = json.loads(written.read_text(encoding="utf-8"))
    assert trace["#meta"]["format"] == "ITF"
    assert trace["vars"][:2] == ["step", "r1"]
    capsys.readouterr()
    assert main(["render", str(written)]) == 0
    assert "pair: late is VIOLATED" in capsys.readouterr().out


def test_out_on_a_file_is_2_and_leaves_it_alone(tmp_path, capsys):
    path = spec(tmp_path, "late expect violated")
    before = path.read_text(encoding="utf-8")
    assert main(["check", str(path), "--out", str(path)]) == 2
    assert path.read_text(encoding="utf-8") == before
    assert "cannot write to" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"\x00\xff", b"[1,2", b'{"#meta": {"format": "ITF", "version": 9, "system": {}}}']
)
def test_render_refuses_what_is_no_trace(content, tmp_path, capsys):
    path = tmp_path / "t.itf.json"
    path.write_bytes(content)
    assert main(["render", str(path)]) == 2
    assert "E80" in capsys.readouterr().err


def test_simulate_is_reproducible_by_its_seed(tmp_path, capsys):
    path = str(spec(tmp_path, "never_two expect proved"))
    assert main(["simulate", path, "--seed", "7", "--steps", "9"]) == 0
    first = capsys.readouterr().out
    assert first.startswith("pair, seed 7\n    9 events in ")
    main(["simulate", path, "--seed", "7", "--steps", "9"])
    assert capsys.readouterr().out == first
    main(["simulate", path])
    assert "seed " in capsys.readouterr().out


def test_show_prints_the_system(tmp_path, capsys):
    path = str(spec(tmp_path, "never_two expect proved"))
    assert main(["show", path]) == 0
    assert "lane r1.lan -> r2.lan on lan: delay 0 ms..10 ms, capacity 2, fifo" in capsys.readouterr().out
    assert main(["show", path, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["digest"]) == 64


def test_the_same_input_gives_the_same_output_byte_for_byte(tmp_path):
    path = spec(tmp_path, "never_two expect proved; late expect violated; settles expect proved")
    other = spec(tmp_path, "late expect violated", name="b.spec")
    seen = set()
    for seed, workers in (("0", 1), ("1", 2), ("77", 3)):
        ended = run("check", path, other, "--workers", workers, "--traces", "all", "-q", env={"PYTHONHASHSEED": seed})
        assert ended.returncode == 0
        seen.add(ended.stdout)
    assert len(seen) == 1


def test_the_json_is_the_same_but_for_times(tmp_path):
    path = spec(tmp_path, "never_two expect proved; late expect violated")
    seen = set()
    for seed, workers in (("0", 1), ("5", 2)):
        whole = json.loads(run("check", path, "--json", "--workers", workers, env={"PYTHONHASHSEED": seed}).stdout)
        for result in whole["results"]:
            del result["seconds"]
        seen.add(json.dumps(whole))
    assert len(seen) == 1


LONG = """
use vrrp
scenario pair {
    tick 10ms
    r : array 3 of Router { priority = 100 + index; address = index }
    segment lan joins each r.lan { delay 0ms..50ms; capacity 6 }
    faults unlimited { crash each Router; lose on lan }
    events unlimited { restart each Router }
}
property never_four : never count(x in Router : x is Active) > 3
"""


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_signal_ends_a_long_check_at_once_and_tells_how_far_it_got(sent, code, workers, tmp_path):
    path = spec(tmp_path, "never_four expect proved", text=LONG)
    second = spec(tmp_path, "never_four expect proved", name="b.spec", text=LONG)
    command = [sys.executable, "-m", "verify", "check", str(path), str(second), "--workers", workers]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        # where the tests run in the background, Ctrl-C is ignored from the start: not so here
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
    )
    assert "states" in process.stderr.readline()  # it has begun, and says so
    started = time.monotonic()
    process.send_signal(sent)
    _, err = process.communicate(timeout=20)
    assert time.monotonic() - started < 5
    assert process.returncode == code
    assert "0 of 2 checks were decided" in err
    assert "stopped at pair: " in err
    assert "Traceback" not in err


def test_help_is_instant_and_loads_no_heavy_library():
    code = "import sys, verify.cli.main as m\ntry: m.main(['--help'])\nexcept SystemExit: pass\n"
    code += "print([x for x in ('lark', 'z3', 'graphviz') if x in sys.modules])"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert ended.stdout.endswith("[]\n")


def test_shipped_specs_are_found_from_anywhere(tmp_path):
    ended = run("check", "specs/vrrp/three.spec", "-q", cwd=tmp_path)
    assert ended.returncode == 0
    assert "all as expected" in ended.stdout


def test_what_waits_is_listed_and_runs_when_asked_for(tmp_path, capsys):
    path = spec(tmp_path, "never_two expect proved")
    path.write_text(GOOD + "check pair { never_two expect proved }\ncheck pair { late expect violated } needs native\n")
    assert main(["check", str(path), "--engine", "explicit"]) == 0
    out = capsys.readouterr().out
    assert f"waits for the native engine: {path}: pair\n1 check: 1 proved; all as expected; 1 wait" in out
    for options in (["--engine", "explicit", "--all"], ["--engine", "native"], []):
        assert main(["check", str(path), *options]) == 0
        assert "2 checks: 1 proved, 1 violated" in capsys.readouterr().out


def test_the_memory_limit_ends_in_undecided(tmp_path, capsys):
    path = spec(tmp_path, "never_two expect proved")
    assert main(["check", str(path), "--memory-limit", "1"]) == 3
    assert "memory limit of 1 MB" in capsys.readouterr().out


def test_the_time_limit_ends_in_undecided_and_tells_how_far(tmp_path, capsys):
    path = spec(tmp_path, "never_four expect proved", text=LONG)
    assert main(["check", str(path), "--time-limit", "1", "-q"]) in (1, 3)
    out = capsys.readouterr().out
    assert "VIOLATED" in out or "time limit of 1 s: no violation up to depth" in out


def test_zeno_runs_are_told(tmp_path, capsys):
    text = GOOD.replace(
        "capacity 2 }", "capacity 2 }\n    faults unlimited { crash r1 }\n    events unlimited { restart r1 }"
    )
    assert main(["check", str(spec(tmp_path, "never_two expect violated", text=text)), "--traces", "none"]) in (0, 1)
    assert "note on pair: a Zeno run: " in capsys.readouterr().out
