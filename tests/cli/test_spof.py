"""``verify spof``, and ``verify check`` of topologies, as a user meets them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from verify.cli.main import main

BRANCH = """
topology branch {
    node office, sw, gw1, gw2, internet
    link up     : office - sw 1G
    link below1 : sw - gw1 1G
    link below2 : sw - gw2 1G
    link above1 : gw1 - internet 1G
    link above2 : gw2 - internet 1G
    group rack : power { gw1, gw2 }
    demand work : office -> internet 800M
}
"""
SAFE = "topology ring { node a, b, c; link a - b; link b - c; link c - a }\n"


@pytest.fixture
def branch(tmp_path):
    path = tmp_path / "branch.topology"
    path.write_text(BRANCH, encoding="utf-8")
    return path


def run(capsys, *arguments):
    code = main(["spof", *map(str, arguments), "-q"])
    return code, capsys.readouterr()


def test_table(branch, capsys):
    code, told = run(capsys, branch)
    assert code == 1
    assert "3 single points of failure\n  node sw " in told.out
    assert "power rack (gw1, gw2)" in told.out
    assert "9 minimal cut sets of 2" in told.out
    assert "0 %: work is parted" in told.out


def test_json(branch, capsys):
    code, told = run(capsys, branch, "--json")
    (found,) = json.loads(told.out)["topologies"]
    assert code == 1
    assert [x["name"] for x in found["single_points"]] == ["sw", "up", "rack"]
    assert found["cut_sets"][0]["failed"] == ["rack"]
    assert (found["size"], found["complete"], found["unknown"]) == (2, 2, "")
    assert found["pairs"] == [
        {"demand": "work", "failures": 1, "paths": [["office", "sw", "gw1", "internet"]], "unknown": ""}
    ]
    losses = {x["failed"]: (x["carried"], x["share"]) for x in found["losses"]}
    assert losses[None] == (True, 1.25)
    assert losses["gw1"] == (True, 1.25)
    assert losses["rack"] == (False, 0)


def test_the_upgrade_that_mends(tmp_path, capsys):
    path = tmp_path / "two.topology"
    path.write_text(
        "topology t { node a, b; link l : a - b 1G; link m : a - b 1G; demand d : a -> b 1.6G }", encoding="utf-8"
    )
    code, told = run(capsys, path)
    assert code == 1
    assert "no single point of failure" in told.out
    assert "62.5 %: NOT carried" in told.out
    assert "smallest upgrade: l +600M, m +600M (1.2G in all)" in told.out


def test_no_single_point_ends_with_0(tmp_path, capsys):
    path = tmp_path / "ring.spec"
    path.write_text(SAFE, encoding="utf-8")
    code, told = run(capsys, path, "--size", 2)
    assert code == 0
    assert "no single point of failure" in told.out
    assert "6 minimal cut sets of 2" in told.out  # two links, or a node and the link opposite


@pytest.mark.parametrize("form", ["svg", "png", "pdf", "dot"])
def test_pictures(branch, tmp_path, capsys, form):
    starts = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF", "dot": b"digraph"}
    out = tmp_path / f"branch.{form}"
    assert run(capsys, branch, "--out", out)[0] == 1
    assert out.read_bytes().startswith(starts[form])


def test_a_picture_marks_single_points_and_failures(branch, tmp_path, capsys):
    out = tmp_path / "branch.dot"
    run(capsys, branch, "--out", out)
    drawn = out.read_text(encoding="utf-8")
    assert drawn.count("single point<") == 2  # the rack is not drawn as a box
    run(capsys, branch, "--failed", "gw1", "--out", out)
    drawn = out.read_text(encoding="utf-8")
    assert "\N{MULTIPLICATION SIGN} gw1" in drawn
    assert "80 %" in drawn
    assert "dashed" in drawn


def test_a_limit_is_not_rounded_up(branch, capsys):
    code, told = run(capsys, branch, "--time-limit", "0.000001")
    assert "UNDECIDED" in told.out
    assert code in (1, 3)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("x.topology", "machine M { initial state A { } }", "E714"),
        ("x.topology", "topology t { node a; link a - c }", "no node 'c'"),
        ("x.graphml", "<graphml>\n<graph>\n", "x.graphml:3:1"),
        ("x.json", '{"nodes": [{"id": 1}], "edges": [\n{"source": 1, "target": 2}]}', "x.json:2:1"),
        ("x.gml", "graph [\n node [ id 1 ]\n node [ id 1 ]\n]", "x.gml:3:1"),
    ],
)
def test_faulty_files(tmp_path, capsys, name, text, told):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    code, said = run(capsys, path)
    assert code == 2
    assert told in said.err
    assert "Traceback" not in said.err


def test_names_that_are_not_there(branch, capsys):
    assert run(capsys, branch, "--topology", "nix")[0] == 2
    code, told = run(capsys, branch, "--failed", "gw3", "--out", branch.with_suffix(".svg"))
    assert (code, "did you mean" in told.err) == (2, True)
    assert run(capsys, branch.parent / "missing.gml")[0] == 2


def test_a_folder_and_all_pairs(branch, capsys):
    branch.with_name("ring.gml").write_text(
        'graph [ node [ id 0 label "a" ] node [ id 1 label "b" ] edge [ source 0 target 1 ] ]', encoding="utf-8"
    )
    code, told = run(capsys, branch.parent, "--all-pairs", "--json")
    found = {t["name"]: t for t in json.loads(told.out)["topologies"]}
    assert code == 1
    assert found["branch"]["demands"] == 0
    assert [x["name"] for x in found["branch"]["single_points"]] == ["sw", "up", "rack"]
    assert [x["name"] for x in found["ring"]["single_points"]] == ["a - b"]


def test_check_tells_and_draws_the_failure(tmp_path, capsys):
    path = tmp_path / "branch.spec"
    question = "property any : survives any 1 failure of branch : connected(office, internet)\n"
    path.write_text(f"{BRANCH}{question}check branch {{ any expect violated }}\n", encoding="utf-8")
    out = tmp_path / "out"
    assert main(["check", str(path), "-q", "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert "any is VIOLATED (as expected)" in told
    assert "fails:\n" in told
    (picture,) = out.glob("*.svg")
    assert "any in branch: VIOLATED" in picture.read_text(encoding="utf-8")
    assert main(["check", str(path), "-q", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["results"]
    assert found["failed"] == [["rack"], ["sw"], ["up"]]
    assert main(["simulate", str(path)]) == 2
    assert "a topology does not move" in capsys.readouterr().err


def test_without_checks_a_topology_is_for_spof_only(tmp_path, capsys):
    path = tmp_path / "ring.spec"
    path.write_text(SAFE, encoding="utf-8")
    assert main(["check", str(path), "-q"]) == 2
    assert Path(path).exists()
    assert "E705" in capsys.readouterr().err


def test_nothing_but_json_is_on_standard_output():
    """Several demands at once are a linear program; whoever solves it may greet from C, once in a process."""
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "verify", "spof", str(root / "specs" / "topology" / "branch_office.spec"), "--json", "-q"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(root)}, timeout=120, check=False)
    assert json.loads(done.stdout)["version"] == 1
