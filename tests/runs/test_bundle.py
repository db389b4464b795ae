"""Bundles: read without torch, refused where they are damaged, proved where they are used."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from longshort.errors import RunError
from longshort.runfolder import RunFolder
from longshort.runs.bundle import CARD, CONTENT, WEIGHTS, read_bundle
from longshort.runs.exporting import export_run
from longshort.runs.proof import prove
from longshort.runs.trained import load
from longshort.runtime.network import Network
from tests.commands import longshort, refused
from tests.tiny_runs import small


@pytest.fixture(scope="module")
def bundle(small_run: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "signs.longshort"
    export_run(small_run("classify"), path, memory=small("classify")[1])
    return path


def changed(path: Path, target: Path, name: str, content: bytes | None) -> Path:
    """A copy of a bundle in which one part is replaced, or missing."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for each in old.namelist():
            part = content if each == name else old.read(each)
            if part is not None:
                new.writestr(each, part)
    return target


def test_it_predicts_without_torch(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.csv").write_text("text\na fine day\na bad day\n")
    script = textwrap.dedent(
        """
        import sys
        sys.modules["torch"] = None
        from longshort.cli.main import main
        main()
        """
    )
    given = ["predict", bundle, "--data", tmp_path / "texts.csv", "--json"]
    command = [sys.executable, "-c", script, *map(str, given)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    own = load(bundle)
    samples = own.read(tmp_path / "texts.csv")
    told = json.loads(done.stdout)["predictions"]
    assert [each["label"] for each in told] == own.table(samples)["label"].to_list()


def test_the_command_writes_and_verifies(
    small_run: Callable[[str], Path], bundle: Path, tmp_path: Path
) -> None:
    done = longshort("verify", bundle, "--json")
    assert json.loads(done.stdout)["largest_difference"] <= 1e-4
    taken = tmp_path / "taken.longshort"
    taken.write_text("mine")
    assert "exists; give another --out or --overwrite" in refused(
        "export", small_run("classify"), "-o", taken
    )
    assert taken.read_text() == "mine"


def test_a_run_in_memory_needs_samples(small_run: Callable[[str], Path], tmp_path: Path) -> None:
    message = refused("export", small_run("classify"), "-o", tmp_path / "x.longshort")
    assert "was trained on data in memory; give samples" in message and "--data" in message


def test_other_answers_are_no_proof(bundle: Path) -> None:
    found = read_bundle(bundle)
    network = found.model.network
    assert prove(network, found.golden).is_equal
    name = next(name for name in network.weights if name.endswith("head.bias"))
    weights = network.weights | {name: network.weights[name] + 1.0}
    proof = prove(Network(network.functions.values(), weights), found.golden)
    assert not proof.is_equal and proof.worst > 0.1


def test_a_changed_bundle_does_not_verify(bundle: Path, tmp_path: Path) -> None:
    weights = changed(bundle, tmp_path / "other.longshort", WEIGHTS, b"0" * 100)
    assert f"{WEIGHTS} is damaged or was changed" in refused("verify", weights)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (CARD, None, f"it has no {CARD}"),
        (CONTENT, b"{", "is a damaged bundle"),
        (CONTENT, b'{"format_version": 99}', "is a bundle of version 99"),
        (CONTENT, b"[]", "is a damaged bundle"),
    ],
)
def test_damaged_bundles_are_refused(
    bundle: Path, tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    with pytest.raises(RunError, match=message):
        read_bundle(changed(bundle, tmp_path / "other.longshort", name, content))


def test_a_folder_is_refused_with_the_way_to_a_bundle(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is a folder, not a bundle; `longshort export RUN`"):
        read_bundle(tmp_path)


def test_a_bundle_in_place_of_a_run_folder_is_named_as_a_file(tmp_path: Path) -> None:
    file = tmp_path / "x.longshort"
    file.write_bytes(b"")
    with pytest.raises(RunError, match="is a file, where a run folder is needed"):
        RunFolder.open(file)


def test_a_bundle_cut_anywhere_is_refused(bundle: Path, tmp_path: Path) -> None:
    whole, cut = bundle.read_bytes(), tmp_path / "cut.longshort"
    draw = np.random.default_rng(0)
    for size in [0, 1, *draw.integers(2, len(whole), 30).tolist()]:
        cut.write_bytes(whole[:size])
        with pytest.raises(RunError):
            read_bundle(cut)


def test_flipped_bits_are_refused_or_change_nothing(bundle: Path, tmp_path: Path) -> None:
    whole, other = bytearray(bundle.read_bytes()), tmp_path / "other.longshort"
    draw = np.random.default_rng(0)
    refusals = 0
    for place in draw.integers(0, len(whole), 60).tolist():
        flipped = bytearray(whole)
        flipped[place] ^= 1 << int(draw.integers(8))
        other.write_bytes(flipped)
        try:
            found = read_bundle(other)
        except RunError:
            refusals += 1
        else:
            assert prove(found.model.network, found.golden).is_equal
    assert refusals > 50


@pytest.mark.parametrize("command", ["explain", "evaluate"])
def test_what_needs_the_run_says_so(bundle: Path, tmp_path: Path, command: str) -> None:
    (tmp_path / "texts.csv").write_text("text,label\na fine day,good\n")
    message = refused(command, bundle, "--data", tmp_path / "texts.csv")
    assert f"{command}: a bundle predicts and writes" in message


def test_compressed_parts_are_refused(bundle: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed.longshort"
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for each in old.namelist():
            new.writestr(each, old.read(each))
    with pytest.raises(RunError, match=r"is compressed, which no bundle's part is"):
        read_bundle(packed)
