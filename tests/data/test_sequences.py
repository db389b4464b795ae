"""Labelled sequences on their way to a network: tokens, vocabulary, parts, batches, pooling."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from longshort.config.sequences import SequenceData
from longshort.data.buckets import bucketed
from longshort.data.in_order import in_order_of_length
from longshort.data.labelled import Examples
from longshort.data.labelled_source import read_examples
from longshort.data.padding import pad_arrays, pad_numbers
from longshort.data.splits import holdout, make_splits
from longshort.data.tokens import find_tokeniser, suited
from longshort.data.vectors import read_vectors, vector_size
from longshort.data.vocabulary import PADDING, UNKNOWN, Vocabulary
from longshort.errors import ConfigError, DataError, RunError
from longshort.nn.blocks.convolution import Convolution
from longshort.nn.blocks.dropout import SequenceDropout
from longshort.nn.blocks.embedding import Embedding
from longshort.nn.blocks.pooling import POOLINGS, Pooling


def examples(texts: list[str], labels: list[str] | None = None) -> Examples:
    return Examples("t", list(texts), labels, [f"line {i + 1}" for i in range(len(texts))])


# Tokens


@pytest.mark.parametrize(
    ("name", "text", "tokens"),
    [
        ("words", "Don't stop, now!", ["Don't", "stop", ",", "now", "!"]),
        ("words", "çok güzel 3.5", ["çok", "güzel", "3", ".", "5"]),
        ("spaces", " a  b-c\td ", ["a", "b-c", "d"]),
        ("characters", "好 a", ["好", " ", "a"]),
        ("bytes", "é", ["c3", "a9"]),
    ],
)
def test_tokens(name: str, text: str, tokens: list[str]) -> None:
    assert find_tokeniser(name).cut(text) == tokens


@pytest.mark.parametrize("name", ["characters", "bytes"])
def test_tokens_that_lose_nothing_join_to_the_text(name: str) -> None:
    text = "Zwölf Boxkämpfer 好的!\n"
    tokeniser = find_tokeniser(name)
    assert tokeniser.join(tokeniser.cut(text)) == text


def test_lowercase_is_of_the_text() -> None:
    assert find_tokeniser("words", lowercase=True).cut("ÄPFEL Und") == ["äpfel", "und"]
    assert find_tokeniser("bytes", lowercase=True).cut("A") == ["41"]


def test_words_of_chinese() -> None:
    pytest.importorskip("jieba")
    assert find_tokeniser("jieba").cut("房间很干净") == ["房间", "很", "干净"]


def test_scripts_without_spaces_are_cut_by_character() -> None:
    assert suited(["这家酒店很好", "房间干净"]) == "characters"
    assert suited(["the room was clean", "好"]) == "words"


def test_an_unknown_tokeniser_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'word' is not known.*words"):
        find_tokeniser("word")


def test_a_missing_tokenizer_file_says_so(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    with pytest.raises(DataError, match="no such tokenizer file"):
        find_tokeniser(f"tokenizer:{tmp_path / 'none.json'}")


# Vocabulary


def test_vocabulary_knows_the_most_frequent() -> None:
    known = Vocabulary.fit([["a", "b", "b"], ["c", "b", "a"]], max_size=4)
    assert known.encode(["b", "a", "c", "z"]) == [2, 3, UNKNOWN, UNKNOWN]
    assert known.decode([PADDING, 2]) == ["<pad>", "b"]


def test_rare_tokens_are_unknown() -> None:
    known = Vocabulary.fit([["a", "b", "b"]], min_count=2)
    assert "b" in known and "a" not in known and len(known) == 3


def test_vocabulary_comes_back_from_its_dictionary() -> None:
    known = Vocabulary.fit([["x", "<unk>", "y"]])
    again = Vocabulary.from_dict(known.to_dict())
    assert again.tokens == known.tokens and again.encode(["y"]) == known.encode(["y"])


@pytest.mark.parametrize("stored", [{}, {"tokens": "ab"}, {"tokens": ["a", "a"]}])
def test_a_damaged_vocabulary_is_refused(stored: dict[str, object]) -> None:
    with pytest.raises(RunError, match="damaged"):
        Vocabulary.from_dict(stored)


# Splits


def test_parts_hold_every_sample_once_and_labels_alike() -> None:
    labels = ["a"] * 200 + ["b"] * 50
    parts = holdout(range(250), labels, val=0.1, test=0.2, seed=3)
    assert sorted(np.concatenate(list(parts.values()))) == list(range(250))
    for part, share in (("val", 0.1), ("test", 0.2)):
        counts = [sum(labels[i] == name for i in parts[part]) for name in "ab"]
        assert counts == [200 * share, 50 * share]


def test_the_seed_decides_the_parts() -> None:
    first, again, other = (
        holdout(range(60), None, val=0.2, test=0.2, seed=seed)["test"].tolist()
        for seed in (1, 1, 2)
    )
    assert first == again != other


def test_equal_content_stays_in_one_part() -> None:
    texts = [f"text {i % 40}" for i in range(200)]
    parts = holdout([text.encode() for text in texts], None, val=0.2, test=0.2, seed=0)
    sides = [{texts[i] for i in part} for part in parts.values()]
    assert not (sides[0] & sides[1] | sides[0] & sides[2] | sides[1] & sides[2])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("often", "drawn"), [([900], 10), ([450, 450], 10), ([300, 101], 60)])
def test_what_stands_too_often_for_a_part_is_for_training(
    often: list[int], drawn: int, seed: int
) -> None:
    groups = [group for group, count in enumerate(often) for _ in range(count)]
    single = 100 if drawn < 60 else 599
    groups += range(1000, 1000 + single)
    parts = holdout(groups, None, val=0.1, test=0.1, seed=seed)
    for part in ("val", "test"):
        kinds = {groups[i] for i in parts[part]}
        assert len(kinds) == drawn and len(parts[part]) <= round(0.1 * len(groups))
    assert {groups[i] for i in parts["train"]} >= {g for g, n in enumerate(often) if n > 100}


def test_where_no_group_fits_the_smallest_is_taken() -> None:
    groups = [0] * 5 + [1] * 3 + [2] * 4
    parts = holdout(groups, None, val=0.1, test=0.1, seed=0)
    assert {part: {groups[i] for i in found} for part, found in parts.items()} == {
        "train": {0},
        "val": {2},
        "test": {1},
    }


def test_two_examples_of_a_label_are_for_training() -> None:
    parts = holdout(range(12), ["a"] * 10 + ["b"] * 2, val=0.1, test=0.1, seed=0)
    assert {10, 11} <= set(parts["train"].tolist())


def test_the_shares_that_were_drawn_are_told() -> None:
    whole = examples([f"text {i}" for i in range(13)], ["x"] * 13)
    parts = make_splits({"train": whole}, val=0.1, test=0.2, stratify=True, seed=0)
    assert parts.how == "drawn by seed 0: 8% for val, 23% for test"


@pytest.mark.parametrize(("val", "test"), [(0.5, 0.1), (0.1, 0.89), (0.95, 0.0)])
def test_every_label_of_three_is_trained_on(val: float, test: float) -> None:
    parts = holdout(range(6), ["a"] * 3 + ["b"] * 3, val=val, test=test, seed=0)
    assert {index // 3 for index in parts["train"]} == {0, 1}
    assert sum(map(len, parts.values())) == 6 and (len(parts["test"]) > 0) == (test > 0)


@pytest.mark.parametrize(
    ("items", "labels", "message"),
    [
        (["a"] * 60, ["x"] * 60, "the val split: 1 of 60 examples are different"),
        (list("abcdef"), list("xxyyzz"), "no label has three examples.*split.stratify=false"),
    ],
)
def test_why_nothing_is_left_for_a_part(items: list[str], labels: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        make_splits({"train": examples(items, labels)}, val=0.1, test=0.1, stratify=True, seed=0)


def test_content_in_validation_and_test_is_found() -> None:
    given = {
        "train": examples(["a"], ["x"]),
        "val": examples(["b", "c"], ["x", "y"]),
        "test": examples(["c"], ["y"]),
    }
    (finding,) = make_splits(given, val=0.1, test=0.1, stratify=True, seed=0).findings
    assert "1 of 1 test examples stand in the validation split too" in finding.message


def test_content_in_two_files_is_found() -> None:
    given = {
        "train": examples(["a  b", "c", "d"], ["x", "y", "x"]),
        "val": examples(["e"], ["x"]),
        "test": examples(["f", "a b"], ["x", "y"]),
    }
    parts = make_splits(given, val=0.1, test=0.1, stratify=True, seed=0)
    (finding,) = parts.findings
    assert finding.code == "duplicate" and "1 of 2 test examples" in finding.message
    assert finding.where == ("line 2",)


def test_a_named_test_file_leaves_only_validation_to_be_drawn() -> None:
    given = {"train": examples([str(i) for i in range(50)], ["x", "y"] * 25), "test": examples(
        ["t"], ["x"])}  # fmt: skip
    parts = make_splits(given, val=0.2, test=0.3, stratify=True, seed=0)
    assert [len(p) for p in (parts.train, parts.val, parts.test)] == [40, 10, 1]
    assert parts.test.items == ["t"]


# Batches


def test_an_epoch_has_every_sample_once() -> None:
    lengths = torch.randint(1, 40, (333,))
    batches = bucketed(lengths, 16, torch.Generator().manual_seed(0))
    assert sorted(torch.cat(batches).tolist()) == list(range(333))
    assert sum(len(batch) == 16 for batch in batches) == 20


def test_batches_are_by_chance_and_repeatable() -> None:
    lengths = torch.randint(1, 40, (100,))
    first, again, other = (
        [b.tolist() for b in bucketed(lengths, 8, torch.Generator().manual_seed(seed))]
        for seed in (0, 0, 1)
    )
    assert first == again != other


def test_little_of_a_batch_is_padding() -> None:
    lengths = torch.randint(1, 101, (4000,))
    batches = bucketed(lengths, 32, torch.Generator().manual_seed(0))
    steps = sum(int(lengths[batch].max()) * len(batch) for batch in batches)
    assert steps < 1.08 * int(lengths.sum())


def test_evaluation_goes_through_every_sample_once() -> None:
    lengths = np.array([3, 9, 1, 9, 4])
    assert [b.tolist() for b in in_order_of_length(lengths, 2)] == [[1, 3], [4, 0], [2]]


def test_padding() -> None:
    numbers, lengths = pad_numbers([[5, 6], [], [7]])
    assert numbers.tolist() == [[5, 0, 7], [6, 0, 0]] and lengths.tolist() == [2, 1, 1]
    values, lengths = pad_arrays([np.ones((2, 3), np.float32), np.full((1, 3), 2, np.float32)])
    assert values.shape == (2, 2, 3) and values[1, 1].tolist() == [0, 0, 0]
    assert lengths.tolist() == [2, 1]


# Vectors


@pytest.mark.parametrize("head", ["", "3 2\n", "\ufeff", "\ufeff3 2\n"])
def test_vectors_with_and_without_a_first_line_of_sizes(tmp_path: Path, head: str) -> None:
    path = tmp_path / "v.txt"
    path.write_bytes((head + "the 1 2\nnew york 3 -4e-1\nthe 9 9\n").encode())
    found = read_vectors(path, ["the", "new york", "none"])
    assert found.size == vector_size(path) == 2
    assert {token: v.tolist() for token, v in found.by_token.items()} == {
        "the": [1, 2], "new york": [3, pytest.approx(-0.4)]}  # fmt: skip


def test_a_token_without_a_vector_takes_that_of_another_case(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    path.write_text("us 1\nLondon 2\nLONDON 3\nUs 4\n")
    found = read_vectors(path, ["us", "US", "Us", "london"]).by_token
    assert {token: v.tolist() for token, v in found.items()} == {
        "us": [1], "US": [1], "Us": [4], "london": [2]}  # fmt: skip


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a 1 2\nb 1\n", "line 2: a token and 2 values are expected, there are 2 cells: 'b 1'"),
        (b"a 1 2\nb 1 x\n", "line 2: 'x' is not a finite number"),
        (b"a 1 nan\n", "line 1: 'nan' is not a finite number"),
        (b"a 1 2\n\xff 1 2\n", r"line 2: byte 0 \(0xff\) is not UTF-8; vectors in text form"),
        (b"alone\n", "line 1: a token and its values are expected, got 'alone'"),
        (b"", "the file is empty"),
        (b"\x1f\x8bcut", "damaged gzip file"),
    ],
)
def test_damaged_vectors_are_named_by_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "v.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_vectors(path, ["a", "b", "x"])
    with pytest.raises(DataError, match="no such file of vectors"):
        vector_size(tmp_path / "none")


# Blocks


@pytest.mark.parametrize("kind", POOLINGS)
def test_pooling_does_not_see_padding(kind: str) -> None:
    torch.manual_seed(0)
    pool, lengths = Pooling(kind, 6, backward=3), torch.tensor([4, 2, 1])
    x = torch.randn(4, 3, 6)
    spoiled = x.clone()
    for b, length in enumerate(lengths):
        spoiled[length:, b] = 1e6
    torch.testing.assert_close(pool(spoiled, lengths), pool(x, lengths))
    alone = pool(x[:2, 1:2], lengths[1:2])
    torch.testing.assert_close(alone[0], pool(x, lengths)[1])


def test_last_is_where_each_direction_ends() -> None:
    x = torch.arange(24.0).view(4, 1, 6)
    assert Pooling("last", 6, backward=2)(x, torch.tensor([3])).tolist() == [[12, 13, 14, 15, 4, 5]]


def test_attention_weighs_what_is_there() -> None:
    pool = Pooling("attention", 5)
    weights = pool.weights(torch.randn(6, 2, 5), torch.tensor([6, 3]))
    assert (weights[3:, 1] == 0).all() and (weights[:3, 1] > 0).all()
    torch.testing.assert_close(weights.sum(0), torch.ones(2))


def test_a_sequence_s_mask_is_one_for_all_steps_and_another_for_other_sequences() -> None:
    torch.manual_seed(1)
    x = torch.rand(7, 3, 40) + 1
    found = SequenceDropout(0.2)(x)
    kept = found != 0
    assert (kept == kept[0]).all() and not torch.equal(kept[0, 0], kept[0, 1])
    torch.testing.assert_close(found[kept], x[kept] / 0.8)
    every = SequenceDropout(0.2, variational=False)(x) != 0
    assert not (every == every[0]).all()


def test_word_dropout_leaves_out_whole_types() -> None:
    torch.manual_seed(1)
    embedding = Embedding(50, 4, word_dropout=0.5)
    numbers = torch.arange(1, 50).repeat(2, 1)
    found = embedding(numbers)
    gone = (found == 0).all(-1)
    assert torch.equal(gone[0], gone[1]) and 10 < int(gone[0].sum()) < 40
    kept = ~gone[0]
    torch.testing.assert_close(found[0][kept], 2 * embedding.weight[1:][kept])
    embedding.eval()
    torch.testing.assert_close(embedding(numbers)[0], embedding.weight[1:])


def test_padding_has_no_vector_and_learns_none() -> None:
    embedding = Embedding(5, 3)
    embedding(torch.tensor([[0, 1]])).sum().backward()
    assert embedding.weight.grad is not None
    assert not embedding.weight[0].any() and not embedding.weight.grad[0].any()


def test_convolution_keeps_time_and_sees_no_padding() -> None:
    torch.manual_seed(0)
    front, lengths = Convolution(3, 7, 3), torch.tensor([5, 2])
    x = torch.randn(5, 2, 3)
    spoiled = x.clone()
    spoiled[2:, 1] = 9.0
    assert front(x, lengths).shape == (5, 2, 7)
    torch.testing.assert_close(front(spoiled, lengths)[:2], front(x, lengths)[:2])


def test_batches_of_long_samples_are_small() -> None:
    lengths = torch.tensor([100_000] * 3 + [10] * 200)
    drawn = [each.numpy() for each in bucketed(lengths, 64, torch.Generator())]
    for batches in (drawn, in_order_of_length(lengths.numpy(), 64)):
        assert sorted(np.concatenate(batches).tolist()) == list(range(203))
        assert max(len(batch) * int(lengths[batch].max()) for batch in batches) == 100_000
        assert max(map(len, batches)) == 64


def test_long_batches_are_divided_evenly() -> None:
    lengths = torch.full((60,), 20_000)
    batches = bucketed(lengths, 8, torch.Generator())
    assert sorted(map(len, batches)) == [4] * 15


@pytest.mark.parametrize("kernel", [2, 3])
@pytest.mark.parametrize("kind", POOLINGS)
def test_lengths_may_lie_on_another_device(kind: str, kernel: int) -> None:
    front, pool = Convolution(3, 6, kernel).to("meta"), Pooling(kind, 6, backward=3).to("meta")
    x, lengths = torch.empty(5, 2, 3, device="meta"), torch.tensor([5, 2])
    assert pool(front(x, lengths), lengths).shape == (2, 6)


# Reading


def read(path: Path, content: str | bytes, **settings: str) -> Examples:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_examples(path, SequenceData.model_validate(settings))


def test_lines_of_label_and_text(tmp_path: Path) -> None:
    lines = "1 good film\n\n0 bad\tone\r\n"
    found = read(tmp_path / "x.train", lines, label_side="first", delimiter=" ")
    assert found.items == ["good film", "bad\tone"] and found.labels == ["1", "0"]
    assert found.places == ["line 1", "line 3"]


def test_columns_are_found_by_their_names(tmp_path: Path) -> None:
    found = read(tmp_path / "x.csv", 'label,review\n1,"good, really"\n0,\n')
    assert found.items == ["good, really", ""] and found.labels == ["1", "0"]
    assert found.places == ["line 2", "line 3"]


def test_columns_can_be_named(tmp_path: Path) -> None:
    found = read(tmp_path / "x.csv", "a,b\nhi,1\nho,2\n", text="a", label="b")
    assert found.items == ["hi", "ho"] and found.labels == ["1", "2"]


@pytest.mark.parametrize(
    ("name", "content", "settings", "message"),
    [
        (
            "x.train",
            "1 good\n0\n",
            {"label_side": "first", "delimiter": " "},
            "line 2: a label and a text are expected, got '0'",
        ),
        ("x.train", b"1 good\n0 b\xffd\n", {}, r"line 2: byte 4 of the line \(0xff\) is not UTF-8"),
        ("x.train", "\n\n", {}, "holds no line"),
        ("x.csv", "a,b\nhi,1\n", {}, "which column is the text\\? Name it with --text"),
        ("x.csv", "text,label\nhi,1\n", {"label": "lable"}, "no column 'lable'.*label"),
        ("x.csv", "text,label\nhi,\n", {}, "line 2, column 'label': the label is missing"),
    ],
)
def test_unreadable_examples_are_explained(
    tmp_path: Path, name: str, content: str | bytes, settings: dict[str, str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path / name, content, **settings)
