"""Summarisation: from a long text to a short one, such as the subject of a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from longshort.data.parallel import Pairs
from longshort.metrics.bootstrap import mean, scored
from longshort.metrics.leads import first_sentence, first_words
from longshort.metrics.rouge import rouge
from longshort.runs.task import Baseline, Encoded, Metric, Model, Track, Words
from longshort.runs.writing import Written, written_by
from longshort.tasks.seq2seq.baselines import repeated_targets
from longshort.tasks.seq2seq.config import SummariseConfig
from longshort.tasks.seq2seq.encoder import PairEncoder
from longshort.tasks.seq2seq.task import HABIT_METRICS, PERPLEXITY, PairTask

SummariseModel = Model[SummariseConfig, PairEncoder]
_FIRST = 8
_SHORT = 12


class SummariseTask(PairTask[SummariseConfig]):
    """Summarisation by an encoder and a decoder that can copy words of the text."""

    name: ClassVar[str] = "summarise"
    Config = SummariseConfig
    metrics = (
        Metric("rouge1", "ROUGE-1", spoken="ROUGE-1 {}", number="{:.1f}"),
        Metric("rouge2", "ROUGE-2", number="{:.1f}"),
        Metric("rougel", "ROUGE-L", number="{:.1f}"),
        PERPLEXITY,
        *HABIT_METRICS,
    )
    words = Words(
        model="summariser",
        title="Summarisation",
        samples="pairs",
        unit="target tokens",
        usage="Summarise with `longshort write RUN --data FILE`, a text a line.",
        scores="ROUGE is the mean F1 with stemmed words, of summaries that the model wrote by "
        "itself; of several targets the best one counts. Perplexity is that of the given targets. "
        "Length is words written per word wanted.",
        gain="gain in ROUGE-1",
        gain_form="+.1f",
    )
    measure = "100 - ROUGE-1 of greedy summaries"

    def from_sums(self, sums: Any) -> Any:
        """Return the mean ROUGE-1."""
        return mean(sums)

    def quality(self, config: SummariseConfig, samples: Pairs, texts: Sequence[str]) -> float:
        """Return ROUGE-1."""
        del config
        return float(rouge(texts, samples.references or [])[:, 0].mean())

    def statistics(self, config: SummariseConfig, samples: Pairs, texts: Sequence[str]) -> Any:
        """Return ROUGE-1 of each text, and a one."""
        del config
        return scored(rouge(texts, samples.references or [])[:, 0])

    def values(
        self, config: SummariseConfig, samples: Pairs, texts: Sequence[str]
    ) -> dict[str, Any]:
        """Return ROUGE-1, -2 and -L."""
        del config
        means = rouge(texts, samples.references or []).mean(0)
        return dict(zip(("rouge1", "rouge2", "rougel"), map(float, means), strict=True))

    def baselines(
        self,
        model: SummariseModel,
        splits: Mapping[str, Encoded[Pairs]],
        networks: Mapping[str, SummariseModel],
        track: Track,
    ) -> dict[str, Baseline[Written]]:
        """Return the first words, the first sentence, its beginning, and known targets."""
        del networks
        train, test = splits["train"].samples, splits["test"].samples
        sources = test.sources
        texts = {
            "first_words": ([first_words(text, _FIRST) for text in sources], "the first words"),
            "lead": ([first_sentence(text) for text in sources], "the first sentence"),
            "short_lead": (
                [first_sentence(text, most=_SHORT) for text in sources],
                f"the first sentence's first {_SHORT} words",
            ),
        }
        found = {name: Baseline(written_by(each), title) for name, (each, title) in texts.items()}
        memory = model.config.evaluate.memory
        return found | repeated_targets(train, test, track, memory=memory)
