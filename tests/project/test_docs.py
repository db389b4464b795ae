"""The README and the docs do what they say."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from longshort.config import BaseConfig, Section
from longshort.data.examples import EXAMPLES, example
from longshort.data.examples.letters import letters
from longshort.data.strokes.objects import written
from longshort.registry import TASKS
from longshort.tasks.anomaly.config import AnomalyConfig
from longshort.tasks.caption.config import CaptionConfig
from longshort.tasks.classify.config import ClassifyConfig
from longshort.tasks.draw.config import DrawConfig
from longshort.tasks.forecast.config import ForecastConfig
from longshort.tasks.frames.config import FramesConfig
from longshort.tasks.seq2seq.config import TranslateConfig
from longshort.tasks.speaker.config import SpeakerConfig
from longshort.tasks.tag.config import TagConfig
from longshort.tasks.tag.conll import read_tagged
from longshort.tasks.transcribe.config import TranscribeConfig
from tests.captions import shapes
from tests.commands import longshort
from tests.conftest import sets
from tests.data.audio.sounds import noise, save, tone
from tests.paths import ROOT
from tests.speech import recordings

README = (ROOT / "README.md").read_text()


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def sales(folder: Path) -> None:
    """The file that the README talks of: units by day and shop."""
    days = np.datetime64("2022-01-01") + np.arange(400)
    parts = []
    for shop in ("north", "south"):
        noise = np.random.default_rng(len(parts)).normal(size=400)
        units = 50 + 20 * np.sin(2 * np.pi * np.arange(400) / 7) + 3 * noise
        parts.append(pl.DataFrame({"shop": shop, "day": days, "units": units}))
    pl.concat(parts).write_csv(folder / "sales.csv")


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def commands(text: str = README) -> list[str]:
    found = blocks("sh", text)
    lines = [line.split("#")[0].strip() for block in found for line in block.splitlines()]
    return [part.strip() for line in lines for part in line.split("&&")
            if part.strip().startswith("longshort")]  # fmt: skip


def test_every_command_in_the_readme_works(tmp_path: Path) -> None:
    sales(tmp_path)
    found = commands()
    assert len(found) == 10
    for command in found:
        done = longshort(*shlex.split(command)[1:], cwd=tmp_path)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
    assert (tmp_path / "runs" / "weather-1" / "report.html").is_file()
    assert pl.read_csv(tmp_path / "ahead.csv").height == 28
    assert "<html" in (tmp_path / "topics.html").read_text()


def test_the_python_in_the_readme_works(tmp_path: Path) -> None:
    code, _ = blocks("python")
    done = run([sys.executable, "-c", code], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "on 286 test windows" in done.stdout.splitlines()[0]
    assert "q0.9" in done.stdout


def test_the_cell_in_the_readme_works(tmp_path: Path) -> None:
    done = run([sys.executable, "-c", blocks("python")[1]], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("torch.Size([50, 8, 128])")


def test_the_questions_in_the_docs_are_those_of_the_package() -> None:
    path = ROOT / "docs" / "write_faq.py"
    spec = importlib.util.spec_from_file_location("write_faq", path)
    assert spec is not None and spec.loader is not None
    writer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(writer)
    wanted = "out of date; run python docs/write_faq.py"
    assert (ROOT / "docs" / "faq.md").read_text() == writer.page(), wanted
    assert writer.with_list(README) == README, wanted


def test_links_and_paths_in_the_docs_exist() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text()):
            if not target.startswith("reference/"):  # derived where the site is built: test_site
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_second_command_is_the_one_that_ci_runs() -> None:
    assert "pip install -e '.[test]' && pytest" in README
    script = (ROOT / ".ci" / "run").read_text()
    assert "pip install" in script and '"longshort[test] @ file://$PWD/$wheel"' in script
    assert script.rstrip().splitlines()[-1] == 'pytest -m "slow or not slow"'  # with all of them


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_runs_and_has_its_source_stated(name: str, tmp_path: Path) -> None:
    brief = sets({"train.max_epochs": 1, "train.steps_per_epoch": 20, "train.threads": 1})
    done = longshort("run", "--example", name, "--out", tmp_path / "run", *brief)
    assert done.returncode == 0, done.stderr
    verdict = json.loads((tmp_path / "run" / "scores.json").read_text())["verdict"]
    assert verdict in done.stdout.replace("\n", " ")
    path, _ = example(name)
    stated = (path.parent / "SOURCES.md").read_text()
    if path.suffix == ".conll":
        rows = len(read_tagged(path))
    elif path.suffix == ".npz":
        rows = len(np.load(path)["frames"])
    else:
        rows = len(path.read_text().splitlines()) - (path.suffix == ".csv")
    assert f"| `{path.name}` |" in stated
    assert f"| {rows:,} |" in stated
    assert "public domain" in stated


@pytest.mark.parametrize(
    ("page", "config"),
    [
        ("anomalies", AnomalyConfig),
        ("audio", ClassifyConfig),
        ("speakers", SpeakerConfig),
        ("captioning", CaptionConfig),
        ("forecasting", ForecastConfig),
        ("speech", TranscribeConfig),
        ("classification", ClassifyConfig),
        ("tagging", TagConfig),
        ("translation", TranslateConfig),
    ],
)
def test_the_settings_in_the_docs_are_settings(page: str, config: type[BaseConfig]) -> None:
    tables = {name: type(each) for name, each in config() if isinstance(each, Section)}
    known = {f"{name}.{key}" for name, each in tables.items() for key in each.model_fields}
    text = (ROOT / "docs" / f"{page}.md").read_text()
    named = set(re.findall(rf"\b((?:{'|'.join(tables)})\.[a-z_0-9]+)", text))
    assert named and named <= known | {"data.json", "model.safetensors", "audio.md"}


def test_the_settings_of_strokes_are_settings_of_a_task() -> None:
    tables = [each for config in (DrawConfig(), ClassifyConfig()) for each in config]
    known = {
        f"{name}.{key}" for name, each in tables if isinstance(each, Section) for key, _ in each
    }
    text = (ROOT / "docs" / "strokes.md").read_text()
    named = set(re.findall(r"`((?:data|model|train)\.[a-z_]+)", text))
    assert len(named) > 10 and named <= known


def test_the_page_on_long_sequences_names_settings_and_options() -> None:
    text = (ROOT / "docs" / "long.md").read_text()
    tables = [each for config in map(TASKS.config, TASKS.names()) for each in config()]
    known = {
        f"{name}.{key}" for name, each in tables if isinstance(each, Section) for key, _ in each
    }
    assert set(re.findall(r"`((?:model|train)\.[a-z_]+)", text)) <= known
    (code,) = blocks("python", text)
    exec(code, {})


def test_the_python_on_classification_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    first, *others = blocks("python", (ROOT / "docs" / "classification.md").read_text())
    exec(first, {})
    told = capsys.readouterr().out.splitlines()
    assert told[1] == "[5 1]" and told[2].startswith("[[(5, ")
    assert told[3].startswith("(1, 5) ") and told[4] == "1.0"
    for each in others:
        exec(each, {})
    told = capsys.readouterr().out.splitlines()
    assert told[-1] == "[['music', 'sport'], []]"


def test_the_python_on_anomalies_works(capsys: pytest.CaptureFixture[str]) -> None:
    exec(blocks("python", (ROOT / "docs" / "anomalies.md").read_text())[0], {})
    printed = capsys.readouterr().out
    assert "with 2 labelled anomalies" in printed.splitlines()[0]
    assert "1997-" in printed


def test_the_page_on_tagging_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = example("recipes")[0].read_text().split("\n\n")
    (tmp_path / "news.conll").write_text("\n\n".join(lines[:60]))
    (tmp_path / "more.conll").write_text("\n\n".join(lines[60:80]))
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "tagging.md").read_text()
    for command in commands(text):
        done = longshort(*shlex.split(command)[1:])
        assert done.returncode in ((0, 1) if " check " in command else (0,)), done.stderr
    assert (tmp_path / "tags.csv").is_file()
    exec(blocks("python", text)[0], {})
    told = capsys.readouterr().out.splitlines()
    assert told[:2] == ["[('mr', 'O'), ('Berg', 'B-per'), ('left', 'O')]", "[('Berg', 'per')]"]
    assert told[-1] == "1.0"


def test_the_page_on_translation_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = pl.read_csv(example("phrases")[0])
    for name, part in (("news", pairs[:60]), ("test", pairs[60:80])):
        for ending, column in (("en", "english"), ("de", "german")):
            (tmp_path / f"{name}.{ending}").write_text("\n".join(part[column]))
    pl.read_csv(example("subjects")[0])[:60].write_csv(tmp_path / "mails.csv")
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "translation.md").read_text()
    brief = sets({"train.max_epochs": 1, "train.threads": 1})
    for command in commands(text):
        more = brief if " run " in command else []
        done = longshort(*shlex.split(command)[1:], *more)
        assert done.returncode in ((0, 1) if " check " in command else (0,)), done.stderr
    assert len((tmp_path / "test.txt").read_text().splitlines()) == 20
    exec(blocks("python", text)[0], {})
    told = capsys.readouterr().out
    assert "['▁The', '▁girl', '▁finds', '▁the', '▁key', '.']" in told
    assert "['▁Das', '▁Mädchen', '▁findet', '▁den', '▁Schlüssel', '.', '</s>']" in told


def test_the_page_on_strokes_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = letters(120)
    symbols = letters(150, longest=1)
    for name, inks in (("words", words), ("symbols", symbols), ("new", symbols.take(range(9)))):
        pairs = zip(inks.items, inks.labels or [], strict=True)
        lines = [json.dumps(written(ink, label)) for ink, label in pairs]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines))
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "strokes.md").read_text()
    brief = sets({"train.max_epochs": 1, "train.threads": 1, "model.hidden": 8})
    for command in commands(text):
        more = brief if " run " in command and "--example" not in command else []
        done = longshort(*shlex.split(command)[1:], *more)
        assert done.returncode == 0, done.stderr
    assert pl.read_csv(tmp_path / "symbols.csv").height == 9
    assert (tmp_path / "the.svg").read_text().count("<path") == 4
    for code in blocks("python", text):
        exec(code, {})
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("ole (") and told[0].endswith(") 3") and told[-1] == "4 2"
    assert told[1].endswith("'turn')") and "<svg" in (tmp_path / "letters.svg").read_text()


def test_the_page_on_captioning_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = shapes(60)
    bank, names = samples.features, samples.images
    assert bank.places is not None and bank.whole is not None and samples.references is not None
    np.savez(tmp_path / "grid.npz", names=names, grid=bank.places.values)
    np.savez(tmp_path / "whole.npz", names=names, features=bank.whole.values)
    rows = zip(names, samples.references, strict=True)
    lines = [f"{name}\t{text}\n" for name, texts in rows for text in texts]
    (tmp_path / "captions.tsv").write_text("".join(lines))
    (tmp_path / "names.txt").write_text("3.jpg\n5.jpg\n")
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "captioning.md").read_text()
    for command in commands(text):
        done = longshort(*shlex.split(command)[1:])
        alright = (0, 1) if " check " in command else (0,)
        assert done.returncode in alright, f"{command}\n{done.stderr}"
    assert pl.read_csv(tmp_path / "captions.csv").height == 2
    exec(blocks("python", text)[0], {})
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_the_page_on_speech_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sound").mkdir()
    rows = recordings(tmp_path / "sound", 40)
    lines = [f"sound/{name},{text}\n" for name, text in rows]
    (tmp_path / "calls.csv").write_text("path,text\n" + "".join(lines))
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "speech.md").read_text()
    brief = sets({"train.max_epochs": 1, "train.threads": 1})
    for command in commands(text):
        more = brief if " run " in command else []
        done = longshort(*shlex.split(command)[1:], *more)
        alright = (0, 1) if " check " in command else (0,)
        assert done.returncode in alright, f"{command}\n{done.stderr}"
    exec(blocks("python", text)[0], {})
    assert capsys.readouterr().out.splitlines()[0] == "[2, 2]"


def test_the_page_on_recordings_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ["path,label,speaker"]
    for n in range(36):
        pitch, who = (300, 1200)[n % 2], ("anna", "ben", "carl")[n // 2 % 3]
        sound = tone(pitch, 0.3, 8000) + 0.2 * noise(0.3, 8000, n)
        save(tmp_path / "recordings" / f"{n}.wav", sound, 8000)
        rows.append(f"recordings/{n}.wav,{('low', 'high')[n % 2]},{who}")
    (tmp_path / "words.csv").write_text("\n".join(rows) + "\n")
    save(tmp_path / "new.wav", tone(300, 0.4, 8000), 8000)
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "audio.md").read_text()
    brief = sets({"train.max_epochs": 1, "train.threads": 1})
    for command in commands(text):
        more = brief if " run " in command else []
        done = longshort(*shlex.split(command)[1:], *more)
        assert done.returncode in ((0, 1) if " check " in command else (0,)), done.stderr
    assert pl.read_csv(tmp_path / "words-found.csv").height == 36
    exec(blocks("python", text)[0], {})
    assert capsys.readouterr().out.splitlines()[-1] == "(36, 2)"


def test_the_page_on_speakers_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    voices = example("voices")[0].parent / "voices"
    for take in range(4):
        copied = tmp_path / "anna" / f"{take}.wav"
        copied.parent.mkdir(exist_ok=True)
        copied.write_bytes((voices / f"00_{take}.wav").read_bytes())
    names = [f"anna/{take}.wav,anna" for take in range(3)]
    names += [f"{voices}/01_{take}.wav,ben" for take in range(3)]
    (tmp_path / "people.csv").write_text("\n".join(["path,speaker", *names]) + "\n")
    (tmp_path / "new.wav").write_bytes((voices / "00_3.wav").read_bytes())
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "speakers.md").read_text()
    for command in commands(text):
        more = sets({"train.threads": 1}) if " run " in command else []
        done = longshort(*shlex.split(command)[1:], *more)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
    assert pl.read_csv(tmp_path / "pairs.csv").height == 15
    exec(blocks("python", text)[0], {})
    told = capsys.readouterr().out.splitlines()
    assert "next_similarity" in told[0] and told[1] in ("True", "False")
    assert told[2].startswith("holds for recordings of 0.8 s")


def test_the_embedded_voices_are_those_of_the_script() -> None:
    path = ROOT / "docs" / "write_voices.py"
    spec = importlib.util.spec_from_file_location("write_voices", path)
    assert spec is not None and spec.loader is not None
    writer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(writer)
    for name, content in writer.files().items():
        raw = (writer.FOLDER / name).read_bytes()
        if isinstance(content, str):
            assert raw.decode() == content
        else:
            found = np.frombuffer(raw[44:], np.uint8).astype(int)
            assert np.abs(found - np.frombuffer(content, np.uint8)).max() <= 1, name


def test_the_page_on_frames_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clips = np.load(example("bounce")[0])["frames"]
    np.save(tmp_path / "clips.npy", clips[:12, :8])
    np.save(tmp_path / "new.npy", clips[:2, :5])
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "frames.md").read_text()
    brief = sets({"train.max_epochs": 1, "train.threads": 1, "model.hidden": 4})
    for command in commands(text):
        more = brief if " run " in command else []
        done = longshort(*shlex.split(command)[1:], *more)
        alright = (0, 1) if " check " in command or " evaluate " in command else (0,)
        assert done.returncode in alright, f"{command}\n{done.stderr}"
    assert np.load(tmp_path / "next.npy").shape == (2, 3, 24, 24)
    for code in blocks("python", text):
        exec(code, {})
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "[10, 4, 32, 24, 24] [2, 4, 32, 24, 24]"
    assert "(2, 4, 24, 24, 1)" in told
    known = {
        f"{name}.{key}"
        for config in (FramesConfig, ClassifyConfig)
        for name, each in config()
        if isinstance(each, Section)
        for key in type(each).model_fields
    }
    named = set(re.findall(r"`(?:--set )?((?:data|model|train|evaluate)\.[a-z_]+)", text))
    assert named and named <= known
