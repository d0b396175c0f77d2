"""Checkpoints of long searches: killed at any moment and taken up again; what is damaged or foreign is refused and left alone."""

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

import verify
from verify import api
from verify.base.diagnostic import InputError
from verify.cli.main import main
from verify.engines.native import checkpoint, space

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests" / "corpus"
THREE = (13_058, 55_860, 8)  # states, transitions, steps to the violation: as SPIN and TLC count them


@pytest.fixture(autouse=True)
def often(monkeypatch):
    """Small pieces, written at every chance."""
    monkeypatch.setattr(checkpoint, "PIECE", 8192)
    monkeypatch.setattr(checkpoint, "SECONDS", 0.0)
    monkeypatch.setattr(space, "QUOTA", 300)


@pytest.fixture(scope="module")
def three():
    return scenario("vrrp_tick", "three")


@pytest.fixture(scope="module")
def whole(three, tmp_path_factory):
    """The folder of a search that its limit ended."""
    folder = tmp_path_factory.mktemp("whole") / "kept"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "PIECE", 8192)
        patch.setattr(checkpoint, "SECONDS", 0.0)
        patch.setattr(space, "QUOTA", 300)
        (result,) = run(three, folder, limits=api.Limits(states=4_000))
    assert result.ruling.states < THREE[0]
    return folder


@pytest.fixture
def kept(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "kept"))


def scenario(spec, name):
    loaded = api.load(CORPUS / f"{spec}.spec")
    return replace(loaded, tasks=tuple(t for t in loaded.tasks if t.scenario == name))


def run(spec, folder, threads=1, **options):
    return api.check(spec, how=api.How(api.Engine.NATIVE, threads, frozenset()), checkpoint=folder, **options)


def numbers(result):
    ruling = result.ruling
    return (ruling.states, ruling.transitions, ruling.run.steps if ruling.run else None)


def manifest(folder):
    (path,) = folder.glob("*/*/manifest.json")
    return json.loads(path.read_bytes().partition(b"\n")[2])


def content(folder):
    return {p: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "lock"}


def refused(spec, folder):
    """What a run says that must not use a folder; the folder stays as it is."""
    before = content(folder)
    with pytest.raises(InputError) as found:
        run(spec, folder)
    assert content(folder) == before
    (fault,) = found.value.diagnostics
    return fault


# ---- taking up again


def forked(spec, folder, threads):
    """A process that runs a search as the command line would."""
    child = os.fork()
    if child == 0:
        try:
            run(spec, folder, threads)
        finally:
            os._exit(0)
    return child


def progressed(folder, since):
    """Wait until something more is kept than before, or everything, but not for long."""
    until = time.monotonic() + 2
    while time.monotonic() < until and states_in(folder) == since:
        time.sleep(0.001)


def states_in(folder):
    return manifest(folder)["states"] if list(folder.glob("*/*/manifest.json")) else 0


@pytest.mark.parametrize(
    ("spec", "name", "threads"), [("vrrp_tick", "three", 1), ("vrrp_tick", "three", 2), ("lacp_tick", "faulty", 1)]
)
def test_killed_at_any_moment_and_taken_up_again(spec, name, threads, tmp_path, monkeypatch):
    monkeypatch.setattr(space, "PARALLEL", 100)
    folder, draw = tmp_path / "kept", random.Random(name)
    chosen = scenario(spec, name)
    (expected,) = run(chosen, None)
    killed, seen = 0, [0]
    while len(seen) < 30 and seen[-1] < expected.ruling.states:
        child = forked(chosen, folder, threads)
        if len(seen) % 2:
            progressed(folder, seen[-1])
        time.sleep(draw.uniform(0.0, 0.03))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        killed += os.WIFSIGNALED(status)
        seen.append(states_in(folder))
    (result,) = run(chosen, folder, threads)
    assert seen == sorted(seen)
    assert len(set(seen)) > 3, "no search was killed on its way"
    assert killed > 3
    assert numbers(result) == numbers(expected)
    if threads == 1:
        assert result.ruling == expected.ruling


def test_a_limit_is_raised_and_the_search_goes_on(three, kept):
    told = manifest(kept)
    assert 0 < told["next"] < told["states"] < THREE[0]
    assert told["seen"], "the violation was met before: it must not be forgotten"
    (result,) = run(three, kept)
    assert numbers(result) == THREE
    assert manifest(kept)["states"] == THREE[0]


def test_what_is_whole_is_not_searched_again(three, kept, monkeypatch):
    run(three, kept)
    before = content(kept)
    monkeypatch.setattr(space.Space, "_level", lambda *_: pytest.fail("searched again"))
    (result,) = run(three, kept)
    assert numbers(result) == THREE
    assert content(kept) == before


def test_states_are_written_once(three, kept):
    pieces = {p: p.stat().st_ino for p in kept.rglob("*.states")}
    run(three, kept)
    assert all(p.stat().st_ino == inode for p, inode in pieces.items())
    assert len(list(kept.rglob("*.states"))) > len(pieces)


def test_each_valuation_of_open_parameters_has_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "FEWEST", 1)
    text = (CORPUS / "vrrp_tick.spec").read_text(encoding="utf-8").partition("\ncheck ")[0]
    text += "\nscenario open extends two { r : array 2 of Router { rank = index; base = any duration 1s..2s } }"
    spec = api.load_text(text + "\ncheck open { at_most_one expect violated }\n")
    first = run(spec, tmp_path)
    again = run(spec, tmp_path)
    assert [r.ruling for r in first] == [r.ruling for r in again]


def test_more_memory_than_allowed_leaves_the_checkpoint(three, kept):
    before = content(kept)
    (result,) = run(three, kept, limits=api.Limits(megabytes=1))
    assert result.verdict is api.Verdict.UNDECIDED
    assert "memory limit" in result.ruling.backing
    assert content(kept) == before


def test_small_searches_leave_nothing(three, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "SECONDS", 60.0)
    run(three, tmp_path / "kept")
    assert content(tmp_path / "kept") == {}


def test_states_that_doubled_are_written(three, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "SECONDS", 1e9)
    monkeypatch.setattr(checkpoint, "FEWEST", 1_000)
    monkeypatch.setattr(checkpoint, "PIECE", 1 << 26)
    run(three, tmp_path)
    counts = [count for count, _ in manifest(tmp_path)["pieces"]]
    assert sum(counts) == THREE[0]
    assert 1_000 <= counts[0] < 2_000
    assert 2 <= len(counts) <= 5


# ---- refusing


def test_every_byte_of_a_sealed_file_counts(kept):
    (path,) = kept.glob("*/system.json")
    data = path.read_bytes()
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :])
        with pytest.raises(InputError, match="E821"):
            checkpoint._sealed(path)
        path.write_bytes(data[:at])
        with pytest.raises(InputError, match="E821"):
            checkpoint._sealed(path)


def damages():
    for name in ("system.json", "manifest.json", "000000.states", "000002.states"):
        for how in ("flip first", "flip middle", "flip last", "cut", "empty", "longer", "missing"):
            yield name, how


@pytest.mark.parametrize(("name", "how"), list(damages()))
def test_what_is_damaged_is_refused_and_stays(three, kept, name, how):
    (path,) = kept.rglob(name)
    data = bytearray(path.read_bytes())
    at = {"flip first": 0, "flip middle": len(data) // 2, "flip last": len(data) - 1}.get(how)
    if at is not None:
        data[at] ^= 4
    data = {"cut": data[:-1], "empty": b"", "longer": data + b"\0"}.get(how, data)
    path.unlink() if how == "missing" else path.write_bytes(data)
    fault = refused(three, kept)
    assert fault.code == "E821"
    assert fault.place.path == str(path)
    assert "delete this one" in fault.help


def test_pieces_that_changed_places_are_refused(three, kept):
    first, second = sorted(kept.rglob("*.states"))[:2]
    a, b = first.read_bytes(), second.read_bytes()
    first.write_bytes(b)
    second.write_bytes(a)
    assert refused(three, kept).code == "E821"


def test_the_checkpoint_of_another_system_is_refused(kept):
    text = (CORPUS / "vrrp_tick.spec").read_text(encoding="utf-8")
    other = api.load_text(text.replace("= 3s", "= 4s"), "vrrp_tick.spec")
    other = replace(other, tasks=tuple(t for t in other.tasks if t.scenario == "three"))
    fault = refused(other, kept)
    assert fault.code == "E822"
    assert "another system" in fault.message


def test_the_checkpoint_of_another_version_is_refused(three, kept, monkeypatch):
    monkeypatch.setattr(verify, "__version__", "0.0")
    fault = refused(three, kept)
    assert fault.code == "E822"
    assert "another version" in fault.message


def test_the_checkpoint_of_another_search_is_refused(three, kept):
    (path,) = kept.glob("*/*/manifest.json")
    checkpoint._seal(path, {**manifest(kept), "asked": "0" * 64})
    assert refused(three, kept).code == "E822"


def test_a_folder_in_use_is_refused(three, kept):
    (folder,) = kept.iterdir()
    holder = "import fcntl, sys; f = open(sys.argv[1], 'ab'); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", holder, folder / "lock"], stdin=-1, stdout=-1) as other:
        assert other.stdout.readline() == b"held\n"
        assert refused(three, kept).code == "E823"
        other.communicate(b"\n")
    assert numbers(run(three, kept)[0]) == THREE


# ---- writing


def test_a_folder_that_cannot_be_written_is_2(tmp_path, capsys):
    (tmp_path / "file").write_text("", encoding="ascii")
    assert main(["check", str(CORPUS / "vrrp_tick.spec"), "--checkpoint", str(tmp_path / "file" / "kept")]) == 2
    told = capsys.readouterr().err
    assert "error[E803]: cannot write" in told
    assert "nothing was run" in told


def test_the_interpreter_keeps_nothing(tmp_path, capsys):
    arguments = ["check", str(CORPUS / "vrrp_tick.spec"), "--engine", "explicit", "--checkpoint", str(tmp_path)]
    assert main(arguments) == 2
    assert "E824" in capsys.readouterr().err


def test_a_damaged_checkpoint_is_2_on_the_command_line(kept, capsys):
    (path,) = kept.rglob("000000.states")
    path.write_bytes(b"")
    arguments = ["check", str(CORPUS / "vrrp_tick.spec"), "--scenario", "three", "--engine", "native"]
    arguments += ["--reductions", "none", "--checkpoint", str(kept)]
    assert main(arguments) == 2
    assert "error[E821]: the checkpoint is damaged: 000000.states: 0 bytes instead of " in capsys.readouterr().err


@pytest.mark.parametrize("after", [0, 3, 20])
def test_a_full_disk_ends_no_search(three, tmp_path, monkeypatch, after):
    written, write = [], checkpoint._write

    def full(path, data):
        if len(written) >= after:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(path)
        write(path, data)

    monkeypatch.setattr(checkpoint, "_write", full)
    (result,) = run(three, tmp_path)
    assert numbers(result) == THREE
    assert any("could not be written" in note and "No space left" in note for note in result.ruling.notes)
    monkeypatch.setattr(checkpoint, "_write", write)
    assert numbers(run(three, tmp_path)[0]) == THREE


# ---- signals

SLOW = f"""
import sys, time
sys.path.insert(0, {str(ROOT)!r})
from verify.cli.main import main
from verify.engines.native import checkpoint, space
space.QUOTA = 50
look = checkpoint.Keeper.look
def slowly(keeper):
    print("searching", keeper._space.system.name, flush=True)
    time.sleep(0.02)
    look(keeper)
checkpoint.Keeper.look = slowly
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(("number", "code", "workers"), [(signal.SIGTERM, 143, 2), (signal.SIGINT, 130, 1)])
def test_what_is_stopped_is_kept(number, code, workers, tmp_path, three):
    program, folder = tmp_path / "slow.py", tmp_path / "kept"
    program.write_text(SLOW, encoding="utf-8")
    arguments = [
        CORPUS / "vrrp_tick.spec",
        "--scenario",
        "two",
        "--scenario",
        "three",
        "--engine",
        "native",
        "--reductions",
        "none",
    ]
    command = [sys.executable, program, "check", *arguments, "--checkpoint", folder, "--workers", str(workers)]
    # where the tests run in the background, Ctrl-C is ignored from the start: not so here
    heard = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True, preexec_fn=heard) as stopped:  # noqa: PLW1509 - no threads here
        while stopped.stdout.readline() != "searching three\n":
            assert stopped.poll() is None
        time.sleep(0.3)
        stopped.send_signal(number)
        _, told = stopped.communicate(timeout=60)
    assert stopped.returncode == code
    assert "Traceback" not in told
    (path,) = folder.glob("*three/*/manifest.json")
    assert 0 < json.loads(path.read_bytes().partition(b"\n")[2])["states"] < THREE[0]
    assert numbers(run(three, folder)[0]) == THREE
